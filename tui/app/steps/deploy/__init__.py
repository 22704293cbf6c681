"""The step Deploy: a run as it goes."""
