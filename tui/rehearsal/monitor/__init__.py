"""Azure Monitor: metrics and the activity log."""
