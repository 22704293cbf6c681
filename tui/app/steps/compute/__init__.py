"""The step Compute: size and number of instances."""
