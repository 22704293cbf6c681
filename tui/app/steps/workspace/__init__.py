"""The step Workspace."""
