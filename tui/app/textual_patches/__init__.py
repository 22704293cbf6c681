"""Overrides of Textual: each module states what, why, for which version, and where the issue is reported."""
