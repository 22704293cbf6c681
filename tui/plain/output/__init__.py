"""Output as text: events, results, problems."""
