"""What values must look like, each by itself and together."""
