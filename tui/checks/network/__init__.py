"""Checks of the network flags, private endpoints, outbound rules, and connectivity from this machine."""
