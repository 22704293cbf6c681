"""Turns command-line arguments into documents, environments and endpoints."""
