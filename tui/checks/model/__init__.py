"""Checks of the folders to upload and of models in other locations."""
