"""Access to Azure; the only package that imports Azure's SDK."""
