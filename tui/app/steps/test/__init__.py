"""The step Test: single calls of the endpoint, and load tests."""
