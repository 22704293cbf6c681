"""Running deployments: their containers, the front end, and their logs."""
