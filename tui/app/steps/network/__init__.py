"""The step Network."""
