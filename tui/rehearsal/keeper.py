"""Runs one program and ends it, with everything it started, when the rehearsal ends.

Started as a script, with the standard library only: `python -I -S keeper.py FD FOLDER PROGRAM [ARGUMENT…]`.
FOLDER (or an empty text) is removed at the end. FD is the read end of a pipe whose other end only the
rehearsal holds. The kernel closes that end whatever way the rehearsal ends, SIGKILL included; the keeper
then ends its whole process group. (Linux's parent-death signal is no substitute: it fires when the *thread*
that started the child ends.)
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

GRACE = 1.0
"""Seconds between terminating and killing a process group."""


_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl() -> Callable[[int, int], object]:
    """Linux's prctl; on other systems a function that does nothing."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        call = ctypes.CDLL(None, use_errno=True).prctl
        return lambda option, value: call(option, value, 0, 0, 0)
    return lambda _option, _value: None


def _descendants() -> list[int]:
    """Process ids of all living descendants, including those that left the process group (Linux only)."""
    children: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The command name in parentheses may contain anything: read after the last parenthesis.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def _signal_all(number: int) -> None:
    # The keeper itself ignores SIGTERM, and never sends SIGKILL to its own group.
    if number == signal.SIGTERM:
        with contextlib.suppress(OSError):
            os.killpg(0, number)
    for pid in _descendants():
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _reap(program: int, status: int | None) -> int | None:
    """Collect ended children; return the program's own status once it has ended."""
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 1 << 8 if status is None else status
        if pid == 0:
            return status
        if pid == program:
            status = ended


def _end_everything(program: int, status: int | None) -> int | None:
    _signal_all(signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline:
        status = _reap(program, status)
        if status is not None and not _descendants():
            return status
        time.sleep(0.02)
    _signal_all(signal.SIGKILL)
    if not Path("/proc/self/stat").exists():
        os.killpg(0, signal.SIGKILL)  # No list of processes: kill the group, including the keeper.
    while status is None:
        status = _reap(program, status)
        time.sleep(0.01)
    return status


def _remove(folder: Path) -> None:
    # The folder has no subfolders: sockets and files that the rehearsal created for this program.
    with contextlib.suppress(OSError):
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()


def _nothing(_number: int, _frame: FrameType | None) -> None:
    return None


def main(arguments: list[str]) -> int:
    """Run the program until it or the rehearsal ends; return the program's exit code (128 + signal)."""
    lifeline, folder, command = int(arguments[0]), arguments[1], arguments[2:]
    if os.getpgrp() != os.getpid():
        os.setsid()  # The group to end must be the keeper's own.
    prctl = _prctl()
    # Daemons that the program leaves become the keeper's children.
    prctl(_PR_SET_CHILD_SUBREAPER, 1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    os.set_blocking(wake_read, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _nothing)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _nothing)
    try:
        # Handlers (unlike ignored signals) are reset on exec, so the program gets the defaults.
        # If the keeper itself is killed, the program ends with it (the keeper has only one thread).
        started = subprocess.Popen(command, close_fds=True, preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr, flush=True)
        return 127
    # Keep the object: its destructor would collect the program's status.
    program = started.pid
    # The keeper must not hold the program's output open after the program has ended.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    status: int | None = None
    while True:
        status = _reap(program, status)
        if status is not None:
            break
        readable = select.select([lifeline, wake_read], [], [])[0]
        if lifeline in readable:
            break
        with contextlib.suppress(BlockingIOError):
            os.read(wake_read, 4096)
    status = _end_everything(program, status)
    if folder:
        _remove(Path(folder))
    if status is None:
        return 1
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
