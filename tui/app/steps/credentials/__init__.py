"""The step Credentials."""
