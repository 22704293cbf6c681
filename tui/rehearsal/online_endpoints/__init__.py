"""Managed online endpoints and their deployments."""
