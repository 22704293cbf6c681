"""The journal of a run, the folder it lies in, and the run as its events tell it."""
