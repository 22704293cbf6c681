"""Who signs in, what that identity may do, and the identity of the endpoint."""
