"""Online endpoints and their deployments: read, create, change, call, remove."""
