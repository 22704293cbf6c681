"""Builds a deployment's scoring environment with uv."""
