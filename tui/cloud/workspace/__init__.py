"""Reads the workspace, its resources, and quota and prices of its region."""
