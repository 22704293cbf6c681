"""Models, code and environments, and the images they are built on."""
