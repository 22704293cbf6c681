"""The step Deploy: the progress of a run."""
