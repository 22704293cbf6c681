"""Failures that can be made to happen."""
