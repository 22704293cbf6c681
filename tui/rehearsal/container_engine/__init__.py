"""Real containers: an engine (docker or podman) by its command line, its images and containers, and their network."""
