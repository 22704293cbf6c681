"""The real command in a rehearsal on a pseudo-terminal: an edit, random keys and sizes, and then the terminal is lost.

However it is lost (closed, SIGHUP, SIGTERM), in the middle of a burst: the wizard ends by itself with the code for it,
its log has no traceback, the edit is in the plan's file, and none of its child processes is left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import select
import signal
import struct
import sys
import termios
import time
from pathlib import Path

import psutil

from tests.clumsy.world import SECRET
from tests.conftest import ROOT
from tests.terminal import PAGE_DOWN, Terminal
from tui.plan.load_save.load import load

WAYS = ("closed", "SIGHUP", "SIGTERM")
CODES = {"closed": {129}, "SIGHUP": {129}, "SIGTERM": {0, 1}}
ENDS = 60.0  # seconds at most, on a slow machine
HARMLESS = (b"\t", b"\x1b[Z", b"\x1b[A", b"\x1b[B", PAGE_DOWN, b"\x1b[5~", b"\x07", b"\x1b", b"\x0f", b"\x19", b"\x1a")
WILD = (*HARMLESS, b"\r", b"\r", b" ", b"x", b"\xc3", b"\x00", b"\xff\xfe", b"\x1b[200~two\nlines\x00\x1b[201~",
        b"\x1b[", b"\x15", "你😀".encode())  # fmt: skip
SIZES = ((24, 80), (20, 80), (19, 80), (10, 40), (1, 1), (50, 200), (40, 120))  # rows, columns


class Lost(Exception):
    """What does not hold after the terminal was lost."""


def lose(seed: str, env: dict[str, str], here: Path, way: str | None = None) -> None:
    """Play one episode in the folder `here`; raise Lost with what was wrong."""
    chance = random.Random(seed)
    way = way or chance.choice(WAYS)
    name = f"lost-{chance.randrange(10_000):04}"
    begin = 'cd "$0" && exec "$@"'
    terminal = Terminal(
        ["sh", "-c", begin, str(here), sys.executable, "-m", "tui", "churn-xgboost", "--rehearse"],
        {
            **env,
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "LINES": "24",
            "COLUMNS": "80",
            "AZURE_CLIENT_SECRET": SECRET,
        },
    )
    try:
        for number in (1, 2, 3):
            terminal.sees(f"step {number} of 9")
            if number < 3:
                terminal.types(PAGE_DOWN)
        terminal.sees("Endpoint name|Name")
        terminal.types(b"\x15" + name.encode())
        terminal.sees(name)
        wild = chance.random() < 0.3  # then the edit may be changed again, and only the end is looked at
        for _ in range(chance.randint(1, 6)):
            for _ in range(chance.randint(1, 12)):
                terminal.types(chance.choice(WILD if wild else HARMLESS))
            rows, columns = chance.choice(SIZES)
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.kill(terminal.pid, signal.SIGWINCH)
            _drain(terminal.fd, chance.choice((0.0, 0.1, 1.0)))
        own = [one for one in psutil.Process(terminal.pid).children(recursive=True) if not _stays(one)]
        if way != "closed":
            os.kill(terminal.pid, getattr(signal, way))
            code = _ended(terminal, draining=True)
        else:
            os.close(terminal.fd)
            code = _ended(terminal, draining=False)
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
    if code not in CODES[way] and not wild:
        raise Lost(f"{way}: it ends with {code}")
    log = (Path(env["AML_DEPLOY_HOME"]) / "wizard.log").read_text(encoding="utf-8", errors="replace")
    if "Traceback" in log:
        raise Lost(f"{way}: a traceback is in the log\n{log[-3000:]}")
    names = [load(str(path)).get("endpoint.name") for path in here.glob("*/churn-xgboost.yml")]
    if not wild and name not in names:
        raise Lost(f"{way}: the name {name} is in no plan, only {names}")
    for path in (*here.rglob("*"), *Path(env["AML_DEPLOY_HOME"]).rglob("*")):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            raise Lost(f"the secret is in {path}")
    gone = psutil.wait_procs(own, timeout=ENDS)[1]
    if gone:
        raise Lost(f"{way}: still running: {[one.cmdline() for one in gone]}")


def _stays(process: psutil.Process) -> bool:
    """Whether a child process continues without the wizard: a rehearsal, or a run."""
    with contextlib.suppress(psutil.Error):
        return any(part.startswith(("tui.rehearsal", "tui.engine")) for part in process.cmdline())
    return True


def _drain(descriptor: int, seconds: float) -> None:
    """Read what is drawn for so long, so that the wizard is not blocked."""
    end = time.monotonic() + seconds
    while select.select([descriptor], [], [], max(0.0, end - time.monotonic()))[0]:
        try:
            if not os.read(descriptor, 65536):
                return
        except OSError:
            return


def _ended(terminal: Terminal, draining: bool) -> int:
    """Wait for the end of the command; return its exit code. Raises Lost when it does not end."""
    end = time.monotonic() + ENDS
    while time.monotonic() < end:
        pid, status = os.waitpid(terminal.pid, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if draining:
            _drain(terminal.fd, 0.05)
        time.sleep(0.05)
    raise Lost("it does not end")
