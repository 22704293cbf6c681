"""Writes a small file so that readers see all of it or none, also after a power cut."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write_atomic(path: Path, content: str | bytes, *, mode: int | None = None, sync: bool = True) -> None:
    """Write a file beside its place and rename it: volumes on Databricks refuse appends, locks and links.

    `mode` are its permissions; without it they are what the umask leaves. With `sync` the content and the name are
    durable when this returns, which takes some ten milliseconds on a disk: leave it out for what is written every few
    seconds and says nothing after a power cut. An error leaves no half of a file. Raises OSError.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # Only where the umask took something away: a volume, whose files have all permissions, refuses a change.
            if mode is not None and mode & ~os.fstat(descriptor).st_mode:
                temporary.chmod(mode)
            file.write(data)
            if sync:
                file.flush()
                os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()  # a disk that is full should not stay so because of halves
        raise
    if sync:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
