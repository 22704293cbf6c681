"""The step Network: the two network flags, and the path from this machine to Azure."""
