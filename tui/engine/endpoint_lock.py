"""One run at a time on an endpoint: a courtesy between the runs of one machine. Azure's state is what decides."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from tui.engine.file_lock import taken

GONE_SECONDS = 1.0
_held: list[int] = []  # descriptors; a lock is given back by the end of the process, however it ends


def take(state: Path, endpoint: str, run: str) -> str | None:
    """Take the turn on an endpoint until this process ends; None when it is taken, else the id of the run that has it.

    `state` is the state folder, `endpoint` whatever names the endpoint and no other. Where the file system refuses
    locks, every run gets its turn.
    """
    folder = state / "locks"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        name = hashlib.sha256(endpoint.lower().encode()).hexdigest()[:24]
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        mine = taken(descriptor, GONE_SECONDS)
    except OSError:
        os.close(descriptor)
        return None
    if not mine:
        owner = os.pread(descriptor, 100, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        return owner or "unknown"
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, run.encode(), 0)
    _held.append(descriptor)
    return None
