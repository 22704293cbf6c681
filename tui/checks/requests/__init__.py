"""Requests to administrators: what others must do before a plan can work, one page per administrator."""
