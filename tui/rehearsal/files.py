"""Small files of the rehearsal's home: replaced in one step, and read anew when somebody has changed them.

Standard library only, and little of it: every command that points a client at the rehearsal needs this module.
"""

from __future__ import annotations

import json
from pathlib import Path

from tui.common.write_atomic import write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
    """A file or folder that others change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = (-1, -1)

    def changed(self) -> bool:
        """Whether it was changed since the last look; the first look counts as a change."""
        before = self._seen
        try:
            status = self.path.stat()
            # The inode too: two changes may fall into one tick of the clock.
            self._seen = (status.st_mtime_ns, status.st_ino)
        except OSError:
            self._seen = (0, 0)
        return self._seen != before
