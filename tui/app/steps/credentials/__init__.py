"""The step Credentials: the identity that deploys."""
