"""The wizard as prompts, line by line."""
