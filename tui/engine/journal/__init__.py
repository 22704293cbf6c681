"""The journal of a run, the folder that holds it, and the state of a run computed from its events."""
