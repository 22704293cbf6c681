"""The plan: what to deploy, as data with rules."""
