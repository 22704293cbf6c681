"""Signing in, what an identity may do, and secrets that a plan refers to."""
