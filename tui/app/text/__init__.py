"""Text formatting for the terminal: numbers with units."""
