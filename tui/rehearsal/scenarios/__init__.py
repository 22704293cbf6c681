"""Scenarios: failures on demand."""
