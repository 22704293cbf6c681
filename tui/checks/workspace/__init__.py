"""Checks of the workspace, its storage, and the names of endpoint and deployment."""
