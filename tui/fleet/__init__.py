"""All endpoints that an identity sees, what differs from their plans, and their history; front ends ask the helper."""
