"""The plan: what to deploy, as data, with the rules that validate it."""
