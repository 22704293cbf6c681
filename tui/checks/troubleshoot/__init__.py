"""What is wrong with an endpoint that is there: reading all that is known of it, and judging it."""
