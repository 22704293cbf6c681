"""The step Endpoint: the endpoint's name and settings."""
