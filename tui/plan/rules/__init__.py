"""Validation of the plan's values, individually and in combination."""
