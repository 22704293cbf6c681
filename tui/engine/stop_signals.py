"""SIGTERM and SIGINT of the engine, taken by a thread of its own."""

from __future__ import annotations

import signal
import threading
from typing import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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

    def _listen(self) -> None:
        while True:
            signal.sigwait(_SIGNALS)
            self.asked.set()
            for stop in list(self._calls):
                stop()
