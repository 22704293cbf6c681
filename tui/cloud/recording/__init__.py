"""Records exchanges with Azure, without secrets and names."""
