"""Checks of the sign-in, the identity's permissions and the endpoint's identity."""
