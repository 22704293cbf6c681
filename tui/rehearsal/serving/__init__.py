"""Deployments that run: their containers, the front end, what they log."""
