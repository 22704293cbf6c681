"""The scoring script and what belongs to it."""
