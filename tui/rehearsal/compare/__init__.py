"""Replays a recording of Azure against the rehearsal and compares the responses."""
