"""Reads an endpoint's activity log, logs and metrics from Azure Monitor."""
