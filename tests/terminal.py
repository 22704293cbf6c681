"""A command on a pseudo-terminal of 80×24, as somebody in front of it uses it: keys in, a picture of text out."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path

import pyte

PAGE_DOWN, TAB, ENTER, CONTROL_C = b"\x1b[6~", b"\t", b"\r", b"\x03"


class Terminal:
    """A child on a pseudo-terminal, and what it has drawn."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: Path | None = None) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.got = 0  # bytes
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd or ".")
            os.execvpe(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def sees(self, pattern: str, seconds: float = 120) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.display)):
            assert time.monotonic() < deadline, f"{pattern} did not come:\n" + "\n".join(self.screen.display)
            if select.select([self.fd], [], [], 0.1)[0]:
                data = os.read(self.fd, 65536)
                self.got += len(data)
                self.stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;$]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", data))
        return "\n".join(self.screen.display)

    def types(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def through_review_to_the_answer(self, first: int, request: str = '"Idade"') -> None:
        """Turn the pages from step `first` on, deploy at Review, and go on to Test when that has succeeded.

        There, `request` is a part of the sample request.
        """
        for step in range(first, 8):
            self.types(PAGE_DOWN)
            self.sees(f"step {step} of 9")
        self.sees("Ready")
        self.types(TAB)
        self.types(ENTER)
        self.sees("step 8 of 9")
        self.sees("succeeded in rehearsal", 240)
        self.types(PAGE_DOWN)
        self.sees("step 9 of 9")
        self.sees(request)
