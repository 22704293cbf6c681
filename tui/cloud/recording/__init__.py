"""Exchanges with Azure written down, without secrets and names."""
