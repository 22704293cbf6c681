"""What is printed: events, results, problems."""
