"""Sizes and quota, and whether the model fits."""
