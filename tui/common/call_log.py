"""The log of this machine's calls: one file that all processes append to, with a JSON object in each line.

It is in the cache, since the state folder may be on storage without appends, and it is no part of a run: a line that
cannot be written is left out. `tui.cloud.http.logged_call` has what a line holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from tui.common.own_folders import cache_folder
from tui.common.redact import each_text, without_logins

LIMIT = 4_000_000
"""Bytes, after which the file is renamed to `calls.1.log`; the one before that is deleted."""
_TAIL = 300_000  # bytes of earlier calls that a reader begins with

_source = ""


def begin(source: str) -> None:
    """Log the calls of this process from now on, as those of a run (its id) or of the helper."""
    global _source
    _source = source


def path(environ: Mapping[str, str] = os.environ) -> Path:
    """The file. It may not exist."""
    return cache_folder(environ) / "calls.log"


def write(call: Mapping[str, Any]) -> None:
    """Append a call, without secrets, if this process logs its calls. Never raises."""
    if not _source:
        return
    shown = each_text({"source": _source, **call}, without_logins)
    line = json.dumps(shown, ensure_ascii=False) + "\n"
    with contextlib.suppress(OSError):
        _append(path(), line.encode("utf-8", "replace"))


def _append(file: Path, line: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(file, flags, 0o600)
    except FileNotFoundError:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, flags, 0o600)
    try:
        os.write(descriptor, line)  # at once, so that lines of several processes do not mix
        if os.fstat(descriptor).st_size > LIMIT:
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # released when closed
            if os.path.samestat(os.fstat(descriptor), file.stat()):  # no other process was faster
                file.replace(file.with_suffix(".1.log"))
    finally:
        os.close(descriptor)


class Reader:
    """Reads the latest calls, and then those that are added."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: BinaryIO | None = None
        self._rest = b""

    def new(self) -> list[dict[str, Any]]:
        """The calls since the last time; at first, the latest ones. Raises OSError other than for a missing file."""
        there = None
        with contextlib.suppress(FileNotFoundError):
            there = self._file.stat()  # before what is left of a renamed file is read
        data = self._open.read() if self._open else b""
        if there and not (self._open and os.path.samestat(there, os.fstat(self._open.fileno()))):
            opened = self._file.open("rb")
            if not self._open and there.st_size > _TAIL:
                opened.seek(there.st_size - _TAIL)
            self.close()
            self._open = opened
            data += opened.read()
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [call for line in lines if (call := _call(line))]

    def close(self) -> None:
        """Close the file."""
        if self._open:
            self._open.close()


def _call(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        call = json.loads(line)
        return call if isinstance(call, dict) else None
    return None
