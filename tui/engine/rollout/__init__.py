"""Rollouts: traffic shifts to a new deployment step by step, and back if the deployment does not hold up."""
