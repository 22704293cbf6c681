"""How a new deployment takes over the requests, and goes back when it does not hold up."""
