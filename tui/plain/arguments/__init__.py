"""From arguments of the command line to what a command works with."""
