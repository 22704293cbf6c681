"""Troubleshoot an existing endpoint: read everything that is known about it, and diagnose it."""
