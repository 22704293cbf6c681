"""Home: runs that are not finished, presets, recent plans."""
