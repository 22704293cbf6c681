"""The step Endpoint."""
