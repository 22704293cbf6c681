"""Resource Manager: workspaces, assets, quota, rights, long-running operations."""
