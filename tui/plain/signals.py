"""Turns Ctrl+C, SIGTERM and a closed terminal into flags that a loop checks."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any


class Signals:
    """While entered, SIGINT and SIGTERM are counted in `stops` and SIGHUP sets `hung_up`; nothing is raised.

    SIGHUP stays ignored if it already is (nohup).
    """

    def __init__(self) -> None:
        self.stops = 0
        self.hung_up = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        handlers = {signal.SIGINT: self._stop, signal.SIGTERM: self._stop, signal.SIGHUP: self._hang_up}
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            del handlers[signal.SIGHUP]
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stops += 1

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self.hung_up = True
