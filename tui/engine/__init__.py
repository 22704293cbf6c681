"""The engine: runs a plan as a graph of tasks and records it in a journal."""
