"""Uploads files to the workspace's storage."""
