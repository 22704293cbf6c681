"""SIGTERM and SIGINT of the engine, taken by a thread of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def held_back() -> Iterator[None]:
    """A process that is started inside waits with these signals until its StopSignals listens.

    One that comes while the interpreter is only starting would end it without a word; a new process inherits what is
    blocked, and gets what has come meanwhile when it begins to listen.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopSignals:
    """From now on these signals set `asked` and call what was given to `call`, at once, whatever the main thread does.

    A handler would run in the main thread only, between two of its steps, and could meet a lock that it holds itself.
    Make it before any other thread is started: threads inherit what is blocked.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._calls: list[Callable[[], None]] = []
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        threading.Thread(target=self._listen, name="signals", daemon=True).start()

    def call(self, stop: Callable[[], None]) -> None:
        """Call `stop` at each signal from now on, and now when one has come already."""
        self._calls.append(stop)
        if self.asked.is_set():
            stop()

    def ask(self) -> None:
        """As such a signal."""
        self.asked.set()
        for stop in list(self._calls):
            stop()

    def _listen(self) -> None:
        while True:
            signal.sigwait(_SIGNALS)
            self.ask()
