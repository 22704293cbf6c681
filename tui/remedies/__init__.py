"""What goes wrong with managed online endpoints, as data, and the matcher that recognises it in an error or a log."""
