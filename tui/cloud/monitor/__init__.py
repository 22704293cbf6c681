"""What Azure Monitor knows of an endpoint."""
