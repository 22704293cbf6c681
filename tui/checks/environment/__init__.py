"""Checks of the conda file, its pins and the base image."""
