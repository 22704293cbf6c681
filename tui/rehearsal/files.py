"""Reads and writes small files in the rehearsal's folder: written atomically, and read again after a change.

Uses little of the standard library only, since every command that sets up a client needs this module.
"""

from __future__ import annotations

import json
from pathlib import Path

from tui.common.write_atomic import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def replace_json(path: Path, content: object, *, sync: bool = True) -> None:
    """Write an object as JSON atomically, readable by its owner only. Raises OSError."""
    write_atomic(path, json.dumps(content), mode=0o600, sync=sync)


def read_json(path: Path) -> Any:
    """The content of a small file; an empty list if it cannot be read."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return []


class Watched:
    """The content of a file or folder that others change: `read` is called if it changed since the last call."""

    def __init__(self, path: Path, read: Callable[[], Any]) -> None:
        self._path = path
        self._read = read
        self._seen = (-1, -1)
        self._found: Any = None

    @property
    def now(self) -> Any:
        """The current content."""
        try:
            status = self._path.stat()
            # Including the inode, since two changes may have the same time stamp.
            mark = (status.st_mtime_ns, status.st_ino)
        except OSError:
            mark = (0, 0)
        if mark != self._seen:
            self._seen, self._found = mark, self._read()
        return self._found
