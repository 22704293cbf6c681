"""Writes small files atomically: readers see the complete file or none, also after a power cut."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path


def write_atomic(path: Path, content: str | bytes, *, mode: int | None = None, sync: bool = True) -> None:
    """Write a temporary file next to the target and rename it: Databricks volumes refuse appends, locks and links.

    `mode` are its permissions. Without it, a file that exists keeps its own, and a link stays one: the file to which it
    points is replaced; a new file has the permissions of the umask. With `sync`, content and name are durable on
    return, which takes about ten milliseconds on a disk; omit it for files that are written every few seconds and not
    needed after a power cut. An error leaves no partial file. Raises OSError.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if mode is None:
        path = Path(os.path.realpath(path))
        with contextlib.suppress(FileNotFoundError):
            mode = stat.S_IMODE(path.stat().st_mode) & 0o777
    # Others who may write to the folder can neither guess the name nor have a link there that is followed.
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(temporary, flags, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # Only if the umask removed a permission: a volume, whose files have all permissions, refuses changes.
            if mode is not None and mode & ~os.fstat(descriptor).st_mode:
                temporary.chmod(mode)
            file.write(data)
            if sync:
                file.flush()
                os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()  # partial files must not keep a full disk full
        raise
    if sync:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, if its file system supports it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
