"""All endpoints that the identity may see, in one table that refreshes by itself."""
