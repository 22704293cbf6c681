"""Requests to Azure: connections, retries, long-running operations, and the way to its hosts."""
