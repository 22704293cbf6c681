"""The child process that answers questions while forms are filled in."""
