"""Receives the engine's SIGTERM and SIGINT in a separate thread."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def held_back() -> Iterator[None]:
    """Block these signals in processes that are started inside, until their StopSignals listens.

    A signal that arrives while the interpreter is starting would end the process silently. A new process inherits the
    blocked signals, and receives those that have arrived when it starts to listen.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopSignals:
    """Sets `asked` and calls the function given to `call` as soon as a signal arrives, whatever the main thread does.

    A signal handler would run in the main thread only, and could need a lock that this thread holds.
    Create it before any other thread starts: threads inherit the blocked signals.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._calls: list[Callable[[], None]] = []
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def call(self, stop: Callable[[], None]) -> None:
        """Call `stop` at each further signal, and at once if one has already arrived."""
        self._calls.append(stop)
        if self.asked.is_set():
            stop()

    def ask(self) -> None:
        """Act as if a signal had arrived."""
        self.asked.set()
        for stop in list(self._calls):
            stop()

    def _listen(self) -> None:
        while True:
            signal.sigwait(_SIGNALS)
            self.ask()
