"""What overrides Textual, each for a reason that is told there."""
