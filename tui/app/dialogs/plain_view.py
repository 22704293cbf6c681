"""Shows a text outside the alternate screen, where the terminal's own selection and scrolling work."""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from textual.app import App, SuspendNotSupported

from tui.common.terminal_text import without_controls

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def show_plainly(app: App[Any], text: str) -> bool:
    """Leave the alternate screen, print the text, wait for Enter, return. False if the terminal does not allow it.

    Ctrl+C, which is a signal there, returns and asks how to quit; other signals that end a program are handed on.
    """
    shown = without_controls(text)
    try:
        with app.suspend(), told_of_signals() as told:
            terminal = sys.__stderr__
            if terminal is None:
                return False
            print(
                f"\n{shown}\n\nPress Enter to return to the wizard. ",
                end="",
                file=terminal,
                flush=True,
            )
            with open("/dev/tty", encoding="utf-8") as keys:  # noqa: PTH123
                number = wait_for_enter(keys, told)
    except (SuspendNotSupported, OSError):
        return False
    if number == signal.SIGINT:
        app.call_later(app.run_action, "leave")
    elif number:
        os.kill(os.getpid(), number)
    return True


@contextmanager
def told_of_signals() -> Iterator[socket.socket]:
    """Yield a socket that gets the number of each signal, as the event loop's own handlers run only afterwards."""
    told, teller = socket.socketpair()
    with told, teller:
        teller.setblocking(False)
        before = signal.set_wakeup_fd(teller.fileno())
        try:
            yield told
        finally:
            signal.set_wakeup_fd(before)


def wait_for_enter(keys: IO[str], told: socket.socket) -> int:
    """Wait for a line, outside the event loop; return the number of a signal that ends the program, or 0."""
    while True:
        ready, _, _ = select.select([keys.fileno(), told.fileno()], [], [])
        ending = [number for number in told.recv(64) if number in ENDING] if told.fileno() in ready else []
        if ending:
            return ending[0]
        if keys.fileno() in ready:
            keys.readline()
            return 0
