"""The home screen: unfinished runs, presets, recent plans."""
