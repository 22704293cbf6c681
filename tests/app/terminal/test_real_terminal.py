"""The real command in a terminal with 16 colours, and in one that disappears."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.app.panes import home
from tests.terminal import CONTROL_C, ENTER, PAGE_DOWN, Terminal

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def test_a_terminal_with_16_colours_gets_no_others_and_is_legible(home: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    pyte = pytest.importorskip("pyte")
    env = {name: value for name, value in os.environ.items() if name not in ("COLORTERM", "NO_COLOR", "CI")}
    env.update(TERM="xterm", AML_DEPLOY_HOME=str(home), PYTHONPATH=str(Path(__file__).parents[3]))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui"], env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    everything = b""

    def sees(words: str) -> None:
        nonlocal everything
        deadline = time.monotonic() + 60
        while words not in "\n".join(screen.display):
            assert time.monotonic() < deadline, "\n".join(screen.display)
            if select.select([master], [], [], 0.1)[0]:
                data = os.read(master, 65536)
                everything += data
                stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;$]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", data))
        for y in range(24):
            for x in range(80):
                cell = screen.buffer[y][x]
                behind = "black" if cell.bg == "default" else cell.bg
                front = "white" if cell.fg == "default" else cell.fg
                assert not cell.data.isalnum() or front != behind, f"{cell} at {x}, {y}"

    try:
        sees("Troubleshoot an endpoint")
        os.write(master, b"\x1b[B\r")  # below "Start from a folder": the first preset
        sees("step 1 of 9")
        os.write(master, b"\x0f")
        sees("Show this step as az CLI")
        os.write(master, b"\x03")
        sees("Quit the wizard?")
        os.write(master, b"\x03")
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    everything += os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
        assert process.wait(timeout=10) == 0
        with contextlib.suppress(OSError):  # what it said last
            while select.select([master], [], [], 0.1)[0]:
                everything += os.read(master, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert b"Traceback" not in everything
    assert b"The plan is the unchanged preset." in everything
    assert not re.search(rb"\x1b\[[0-9;]*[34]8[;:][25]", everything)
    assert re.search(rb"\x1b\[[0-9;]*(?:9[0-7]|10[0-7]|4[0-7])", everything), "there are colours"


def test_it_ends_when_the_terminal_disappears_without_a_signal(home: Path) -> None:
    import pty

    env = {**os.environ, "TERM": "xterm", "AML_DEPLOY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[3])}
    master, slave = pty.openpty()
    process = subprocess.Popen(  # in a session of its own, without a controlling terminal: nothing sends SIGHUP
        [sys.executable, "-m", "tui"], env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        seen, deadline = b"", time.monotonic() + 60
        while b"Presets" not in seen:
            assert time.monotonic() < deadline
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)
        os.close(master)
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()


def at_the_first_step(home: Path) -> Terminal:
    """The wizard on a terminal that controls it."""
    env = {**os.environ, "TERM": "xterm", "AML_DEPLOY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[3])}
    terminal = Terminal([sys.executable, "-m", "tui", "churn-xgboost"], env)
    terminal.sees("step 1 of 9")
    return terminal


def test_it_ends_when_it_is_told_to_continue_while_it_leaves(home: Path) -> None:
    terminal = at_the_first_step(home)
    os.kill(terminal.pid, signal.SIGHUP)
    seen = b""
    while b"\x1b[?1049l" not in seen:  # the screen is given back, the process is still there
        assert select.select([terminal.fd], [], [], 30)[0]
        seen += os.read(terminal.fd, 65536)
    with contextlib.suppress(ProcessLookupError):
        os.kill(terminal.pid, signal.SIGCONT)  # as the kernel does when the terminal is gone
    deadline = time.monotonic() + 30
    ended, status = 0, 0
    while not ended and time.monotonic() < deadline:
        if select.select([terminal.fd], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):  # the other end is closed
                os.read(terminal.fd, 65536)
        ended, status = os.waitpid(terminal.pid, os.WNOHANG)
    if not ended:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)
    assert ended, "it stayed"
    assert os.waitstatus_to_exitcode(status) == 129


def test_it_is_suspended_and_goes_on(home: Path) -> None:
    terminal = at_the_first_step(home)
    os.kill(terminal.pid, signal.SIGTSTP)
    _, status = os.waitpid(terminal.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.types(PAGE_DOWN)
    terminal.sees("step 2 of 9")
    terminal.types(CONTROL_C)
    terminal.sees("Quit the wizard")
    terminal.types(ENTER)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def scribbled(terminal: Terminal) -> None:
    """Another program writes all over the screen, and leaves its colours set."""
    rows = b"".join(b"\x1b[%d;1H" % (y + 1) + b"?" * 80 for y in range(24))
    terminal.stream.feed(b"\x1b[35;45m" + rows)


def all_is_drawn(terminal: Terminal) -> None:
    """Wait until nothing of what was scribbled is on the screen."""
    terminal.sees(r"\A[^?]*step 1 of 9[^?]*\Z")
    cells = [terminal.screen.buffer[y][x] for y in range(24) for x in range(80)]
    assert not [cell for cell in cells if "magenta" in (cell.fg, cell.bg)]


def test_the_whole_screen_is_drawn_again(home: Path) -> None:
    terminal = at_the_first_step(home)
    try:
        os.kill(terminal.pid, signal.SIGTSTP)
        os.waitpid(terminal.pid, os.WUNTRACED)
        scribbled(terminal)
        os.kill(terminal.pid, signal.SIGCONT)
        all_is_drawn(terminal)
        scribbled(terminal)  # as a terminal that was replaced: nobody says so
        terminal.types(b"\x0fdraw the screen")
        terminal.sees("Draw the screen again")
        terminal.types(ENTER)
        all_is_drawn(terminal)
    finally:
        os.kill(terminal.pid, signal.SIGKILL)
        os.waitpid(terminal.pid, 0)


@pytest.mark.parametrize("by", ["ctrl+c", "SIGTERM"])
def test_the_plain_view_is_left_by_what_ends_a_program(home: Path, by: str) -> None:
    terminal = at_the_first_step(home)
    terminal.types(b"\x0fthis step as")
    terminal.sees(r"│ this step as +│.\n.*│ Show this step as az CLI")
    terminal.types(ENTER)
    terminal.sees("Plain view")
    terminal.types(b"\x1b[Z" + ENTER)  # Shift+Tab, from Close
    terminal.sees("Press Enter to return to the wizard")
    if by == "ctrl+c":
        terminal.types(CONTROL_C)
        terminal.sees("Quit the wizard")
        terminal.types(ENTER)
    else:
        os.kill(terminal.pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while (ended := os.waitpid(terminal.pid, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        if select.select([terminal.fd], [], [], 0.05)[0]:
            with contextlib.suppress(OSError):
                os.read(terminal.fd, 65536)
    assert ended[0] and os.waitstatus_to_exitcode(ended[1]) == 0
