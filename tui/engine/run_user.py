"""Who runs this program, for the journal and the tags: the account and the machine, not the identity in Azure."""

from __future__ import annotations

import getpass
import re
import socket

LONGEST = 100


def who_runs() -> str:
    """`user@host` in characters that a tag's value may have; user unknown where the machine cannot tell."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = "unknown"
    return re.sub(r"[^A-Za-z0-9._@-]", "-", f"{user}@{socket.gethostname()}")[:LONGEST]
