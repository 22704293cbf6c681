"""Resource Manager: workspaces, assets, quota, permissions, long-running operations."""
