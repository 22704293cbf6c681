"""Helpers for all layers; most use the standard library only."""
