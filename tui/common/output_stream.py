"""Wraps this process's output streams, so that nothing is printed that must not be."""

from __future__ import annotations

import contextlib
import sys
from typing import Any, TextIO

from tui.common.redact import redact
from tui.common.terminal_text import without_controls


class OutputStream:
    """Writes to another stream, without secrets and control characters.

    If it may not fail, it discards what that stream cannot take: a full disk must not end the run that reports it.
    """

    def __init__(self, stream: TextIO, *, may_fail: bool = False) -> None:
        self._stream = stream
        self._errors = () if may_fail else (OSError, ValueError)

    def write(self, text: str) -> int:
        """Write a text, as far as there is space."""
        with contextlib.suppress(*self._errors):
            self._stream.write(redact(without_controls(text)))
        return len(text)

    def flush(self) -> None:
        """Write the buffered text, as far as there is space."""
        with contextlib.suppress(*self._errors):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def guard_streams() -> None:
    """Make this process's standard output and error streams of this kind, which never fail."""
    sys.stdout, sys.stderr = OutputStream(sys.stdout), OutputStream(sys.stderr)
