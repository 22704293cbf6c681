"""Requests to Azure: connections, retries, long-running operations, and connectivity to its hosts."""
