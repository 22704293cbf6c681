"""The wizard's line mode: prompts instead of screens."""
