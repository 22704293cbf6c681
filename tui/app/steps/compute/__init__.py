"""The step Compute."""
