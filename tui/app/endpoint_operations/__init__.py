"""Operations on an existing endpoint: traffic, keys, removal."""
