"""Azure, and the only folder that imports it."""
