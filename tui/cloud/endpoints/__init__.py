"""Reads, creates, changes, calls and removes online endpoints and their deployments."""
