"""Files into the workspace's storage."""
