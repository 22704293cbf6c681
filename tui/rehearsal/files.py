"""Small files of the rehearsal's home: replaced in one step, and read anew when somebody has changed them.

Standard library only, and little of it: every command that points a client at the rehearsal needs this module.
"""

from __future__ import annotations

import json
from pathlib import Path

from tui.common.write_atomic import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def replace_json(path: Path, content: object, *, sync: bool = True) -> None:
    """Writes an object as JSON that only its owner can read, in one step. Raises OSError."""
    write_atomic(path, json.dumps(content), mode=0o600, sync=sync)


def read_json(path: Path) -> Any:
    """The content of a small file; an empty list where there is none that can be read."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return []


class Watched:
    """What a file or folder says that others change: `read` is called when it has changed since the last look."""

    def __init__(self, path: Path, read: Callable[[], Any]) -> None:
        self._path = path
        self._read = read
        self._seen = (-1, -1)
        self._found: Any = None

    @property
    def now(self) -> Any:
        """What `read` returned last, or returns now."""
        try:
            status = self._path.stat()
            # The inode too: two changes may fall into one tick of the clock.
            mark = (status.st_mtime_ns, status.st_ino)
        except OSError:
            mark = (0, 0)
        if mark != self._seen:
            self._seen, self._found = mark, self._read()
        return self._found
