"""Checks of size, quota and whether the model fits."""
