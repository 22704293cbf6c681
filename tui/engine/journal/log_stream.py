"""The engine's log: a stream that never fails, since a full disk must not end the run that reports it."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO


class LogStream:
    """Writes to another stream, and discards what that stream cannot take."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, as far as there is space."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write the buffered text, as far as there is space."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def never_fail() -> None:
    """Make this process's standard output and error streams of this kind."""
    sys.stdout, sys.stderr = LogStream(sys.stdout), LogStream(sys.stderr)
