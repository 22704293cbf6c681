"""Preflight checks, one small function a check."""
