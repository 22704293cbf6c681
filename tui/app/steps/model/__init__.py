"""The step Model."""
