"""The commands that look at or change endpoints that are there, one module for each."""
