"""A load run in a local trial: requests at a rate that is due, and what they show of a server."""
