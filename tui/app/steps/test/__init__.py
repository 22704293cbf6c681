"""The step Test: a call of the endpoint, and many."""
