"""Models, code, environments and their base images."""
