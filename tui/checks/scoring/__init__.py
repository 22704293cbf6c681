"""Checks of the scoring script and its files."""
