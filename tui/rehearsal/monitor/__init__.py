"""The rehearsal's Azure Monitor: metrics and the activity log."""
