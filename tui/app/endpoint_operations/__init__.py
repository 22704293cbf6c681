"""Changes of an endpoint that is there: traffic, keys, removal."""
