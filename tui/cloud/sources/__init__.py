"""Reads models from other sources: storage accounts and MLflow servers."""
