"""Names the user for journal and tags: the local account and machine, not the identity in Azure."""

from __future__ import annotations

import getpass
import re
import socket

LONGEST = 100


def who_runs() -> str:
    """`user@host` in characters that are allowed in a tag; the user is `unknown` if the machine cannot tell."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "unknown"
    return re.sub(r"[^A-Za-z0-9._@-]", "-", f"{user}@{socket.gethostname()}")[:LONGEST]
