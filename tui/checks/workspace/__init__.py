"""The workspace, its storage, and the names in it."""
