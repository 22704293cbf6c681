"""The conda file, its pins, and the base image."""
