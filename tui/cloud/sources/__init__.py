"""Models that lie elsewhere: other storage accounts, MLflow servers."""
