"""The engine's log: a stream that never fails, since a disk that is full must not end the run that reports it."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO


class LogStream:
    """Passes on to a stream what it takes, and forgets the rest."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, as far as there is room for it."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write what is gathered, as far as there is room for it."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def never_fail() -> None:
    """Let this process's standard output and error be such streams."""
    sys.stdout, sys.stderr = LogStream(sys.stdout), LogStream(sys.stderr)
