"""What a process writes to its streams has no secret and no control character in it."""

from __future__ import annotations

import errno
import io
import sys

import pytest

from tui.common.output_stream import OutputStream, guard_streams
from tui.common.redact import learn

ECHOED = "a\x1b]0;title\x07 \x1b[2Jwater\x1b[0mproof-9 \x9b31mz\r"
SHOWN = "a (hidden) z"


def test_both_streams_are_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    learn("waterproof-9")
    streams = io.StringIO(), io.StringIO()
    for name, stream in zip(("stdout", "stderr"), streams):
        monkeypatch.setattr(sys, name, stream)
    guard_streams()
    print(ECHOED)
    print(ECHOED, file=sys.stderr)
    assert [stream.getvalue() for stream in streams] == [f"{SHOWN}\n"] * 2


def test_only_a_stream_that_may_fail_raises() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    assert OutputStream(Full()).write("text") == 4
    with pytest.raises(OSError, match="No space"):
        OutputStream(Full(), may_fail=True).write("text")
