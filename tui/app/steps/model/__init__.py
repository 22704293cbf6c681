"""The step Model: the model, its scoring script and its environment."""
