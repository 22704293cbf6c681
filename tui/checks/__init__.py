"""Checks: the preflight of a plan and the diagnosis of an existing endpoint, one small function per check."""
