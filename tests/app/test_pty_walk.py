"""The whole walk with the real command on a pseudo-terminal of 80×24: nine steps, a run, a prediction, the farewell."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

import pyte

PAGE_DOWN, TAB, ENTER, CONTROL_C = b"\x1b[6~", b"\t", b"\r", b"\x03"


class Terminal:
    """A child on a pseudo-terminal, and what it has drawn."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def sees(self, pattern: str, seconds: float = 120) -> str:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.display)):
            assert time.monotonic() < deadline, f"{pattern} did not come:\n" + "\n".join(self.screen.display)
            if select.select([self.fd], [], [], 0.1)[0]:
                data = os.read(self.fd, 65536)
                self.stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;$]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", data))
        return "\n".join(self.screen.display)

    def types(self, keys: bytes) -> None:
        os.write(self.fd, keys)


def test_from_the_first_step_to_the_farewell(rehearsal_home: dict[str, str], rehearsal: dict) -> None:
    env = {**rehearsal_home, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    command = [sys.executable, "-m", "tui", "churn-xgboost", "--rehearse", "--set", "endpoint.name=churn-pty-01"]
    terminal = Terminal(command, env)
    terminal.sees("step 1 of 9")
    terminal.sees("closed-legacy-isolation")
    for step in range(2, 8):
        terminal.types(PAGE_DOWN)
        terminal.sees(f"step {step} of 9")
    terminal.sees("Nothing stands in the way")
    terminal.types(TAB)
    terminal.types(ENTER)
    terminal.sees("step 8 of 9")
    terminal.sees("succeeded in rehearsal", 240)
    terminal.types(PAGE_DOWN)
    terminal.sees("step 9 of 9")
    terminal.sees('"Idade"')
    terminal.types(CONTROL_C)
    terminal.sees("Leave the wizard")
    terminal.types(ENTER)
    farewell = terminal.sees("aml-deploy remove")
    assert "aml-deploy attach" in farewell
    assert "churn-pty-01" in farewell
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
