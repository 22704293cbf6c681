"""Sign-in, permissions of an identity, and secrets that a plan refers to."""
