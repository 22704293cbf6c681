"""The real command in a rehearsal on a pseudo-terminal: an edit, random keys and sizes, and then the terminal is lost.

However it is lost (closed, closed without a signal, SIGHUP, SIGTERM), in the middle of a burst or of a local trial: the
wizard ends by itself with the code for it, its log has no traceback, the edit is in the plan's file, and none of its
child processes is left, nor what a local trial has started.
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
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.clumsy.world import SECRET
from tests.conftest import ROOT, rehearsal_command
from tests.terminal import PAGE_DOWN, Terminal
from tui.plan.load_save.load import load

WAYS = ("closed", "silent", "SIGHUP", "SIGTERM")
CODES = {"closed": {129}, "silent": {129}, "SIGHUP": {129}, "SIGTERM": {0, 1}}
TEMPORARY = "temporary"  # in the episode's folder
ENDS = 60.0  # seconds at most, on a slow machine
HARMLESS = (b"\t", b"\x1b[Z", b"\x1b[A", b"\x1b[B", PAGE_DOWN, b"\x1b[5~", b"\x07", b"\x1b", b"\x0f", b"\x19", b"\x1a")
WILD = (*HARMLESS, b"\r", b"\r", b" ", b"x", b"\xc3", b"\x00", b"\xff\xfe", b"\x1b[200~two\nlines\x00\x1b[201~",
        b"\x1b[", b"\x15", "你😀".encode())  # fmt: skip
SIZES = ((24, 80), (20, 80), (19, 80), (10, 40), (1, 1), (50, 200), (40, 120))  # rows, columns


class Lost(Exception):
    """What does not hold after the terminal was lost."""


@contextlib.contextmanager
def rehearsal() -> Iterator[dict[str, str]]:
    """An environment with a state folder of its own; the rehearsal that is started there is ended."""
    with tempfile.TemporaryDirectory(prefix="clumsy-") as folder:
        env = {**os.environ, "AML_DEPLOY_HOME": folder, "AML_DEPLOY_CACHE": f"{folder}/cache"}
        try:
            yield env
        finally:
            rehearsal_command("stop", env=env)


def lose(seed: str, env: dict[str, str], way: str | None = None, trial: bool | None = None) -> None:
    """Play one episode in an empty folder, with or without a local trial; raise Lost with what was wrong."""
    with tempfile.TemporaryDirectory(prefix="clumsy-") as here:
        (Path(here) / TEMPORARY).mkdir()
        _lose(random.Random(seed), {**env, "TMPDIR": f"{here}/{TEMPORARY}"}, Path(here), way, trial)


def _lose(chance: random.Random, env: dict[str, str], here: Path, way: str | None, trial: bool | None) -> None:
    trial = chance.random() < 0.3 if trial is None else trial
    wild = (
        not trial and way is None and chance.random() < 0.3
    )  # then the edit may be changed again, and only the end is looked at
    way = way or chance.choice(WAYS)
    name = f"lost-{chance.randrange(10_000):04}"
    own_session = "setsid" if way == "silent" else "exec"  # without a controlling terminal, no signal comes
    begin = f'cd "$0" && {own_session} "$@"'
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
        for _ in range(0 if way == "silent" or trial else chance.randint(1, 6)):  # nothing saves the edit before
            for _ in range(chance.randint(1, 12)):
                sent = chance.choice(WILD if wild else HARMLESS)
                terminal.types(sent)
                if sent == b"\x1b" and not wild:  # read at once with ctrl+g, it would be typed as a letter
                    _drain(terminal.fd, 0.3)
            rows, columns = chance.choice(SIZES)
            fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            _drain(terminal.fd, chance.choice((0.0, 0.1, 1.0)))
        if trial:
            _begin_trial(terminal)
            _drain(terminal.fd, chance.uniform(0.0, 12.0))
        wizard = psutil.Process(terminal.pid)
        if way == "silent":
            wizard = wizard.children()[0]
        own = [one for one in wizard.children(recursive=True) if not _stays(one)]
        if way.startswith("SIG"):
            os.kill(terminal.pid, getattr(signal, way))
            code = _ended(terminal, draining=True)
        else:
            os.close(terminal.fd)
            code = _ended(terminal, draining=False)
        if way == "silent":
            code = 129  # only its parent sees it
            if psutil.wait_procs([wizard], timeout=ENDS)[1]:
                raise Lost("silent: it does not end")
    finally:
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(terminal.pid, signal.SIGKILL)
            os.waitpid(terminal.pid, 0)
        with contextlib.suppress(NameError, psutil.Error):
            wizard.kill()
    if code not in CODES[way] and not wild:
        raise Lost(f"{way}: it ends with {code}")
    log = (Path(env["AML_DEPLOY_HOME"]) / "wizard.log").read_text(encoding="utf-8", errors="replace")
    if "Traceback" in log:
        raise Lost(f"{way}: a traceback is in the log\n{log[-3000:]}")
    names = [load(str(path)).get("endpoint.name") for path in here.glob("*/churn-xgboost.yml")]
    if not wild and not any(name in str(one) for one in names):
        raise Lost(f"{way}: the name {name} is in no plan, only {names}")
    for path in (*here.rglob("*"), *Path(env["AML_DEPLOY_HOME"]).rglob("*")):
        if path.is_file() and SECRET.encode() in path.read_bytes():
            raise Lost(f"the secret is in {path}")
    gone = psutil.wait_procs(own, timeout=ENDS)[1]
    if gone:
        raise Lost(f"{way}: still running: {[one.cmdline() for one in gone]}")
    end = time.monotonic() + ENDS
    while left := _of_trial(env["TMPDIR"]):
        if time.monotonic() > end:
            raise Lost(f"{way}: a local trial leaves {left}")
        time.sleep(0.1)


def _begin_trial(terminal: Terminal) -> None:
    """Begin a local trial from step 3 on."""
    for number in (4, 5, 6, 7):
        terminal.types(PAGE_DOWN)
        terminal.sees(f"step {number} of 9")
    terminal.types(b"\x0f")
    terminal.sees("Go to step")
    terminal.types(b"Test locally")
    terminal.sees("Test locally[^\n]*\n[^\n]*Test locally")  # typed, and found
    terminal.types(b"\r")
    terminal.sees("Test locally first")


def _of_trial(temporary: str) -> list[str]:
    """What of a local trial is there: its folder, and the command lines of processes that have it as state folder."""
    found = [str(path) for path in Path(temporary).glob("aml-deploy-trial-*")]
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("AML_DEPLOY_HOME", "").startswith(temporary):
                found.append(" ".join(process.cmdline()))
    return found


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
