"""The network flags, private endpoints, outbound rules, and the way from this machine."""
