"""Finds actions, steps, fields, settings, plans, runs and endpoints by their words, at every screen (ctrl+o)."""
