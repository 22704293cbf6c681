"""What lies in the folders that are uploaded, and models that lie elsewhere."""
