"""Keeps two runs of one machine from working on the same endpoint; correctness depends on Azure's state, not on it."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from tui.engine.file_lock import taken

GONE_SECONDS = 1.0
_held: list[int] = []  # descriptors; the end of the process releases its locks, however it ends


def take(state: Path, endpoint: str, run: str) -> str | None:
    """Lock an endpoint until this process ends; None when locked, else the id of the run that holds the lock.

    `state` is the state folder, `endpoint` a unique name of the endpoint. If the file system refuses locks,
    every run proceeds.
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
