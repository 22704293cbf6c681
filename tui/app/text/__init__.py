"""Texts for the terminal: numbers in words, widths in cells."""
