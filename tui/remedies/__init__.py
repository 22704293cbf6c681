"""Known failures of managed online endpoints, as data, and the matcher that recognises them in errors and logs."""
