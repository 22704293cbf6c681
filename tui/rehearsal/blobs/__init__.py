"""Blob storage."""
