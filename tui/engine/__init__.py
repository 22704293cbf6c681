"""The engine: runs a plan as a graph of tasks and keeps a journal."""
