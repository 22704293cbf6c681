"""A recording of Azure, sent again and compared."""
