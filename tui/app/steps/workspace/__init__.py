"""The step Workspace: the workspace and its network isolation."""
