"""The terminal wizard, built on Textual."""
