"""A deployment's scoring environment, built with uv."""
