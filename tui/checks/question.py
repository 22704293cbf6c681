"""A question asked on a thread of its own, so that whoever asks can stop waiting for it."""

from __future__ import annotations

import threading
import time
from typing import Callable, Generic, TypeVar

T = TypeVar("T")


class NoAnswer(Exception):
    """Nobody answered within the time limit."""


class Question(Generic[T]):
    """Starts to ask at once; `answer` waits, but never longer than `limit` seconds after the start.

    The thread is a daemon: a file system or a service that never answers does not keep the process alive.
    """

    def __init__(self, ask: Callable[[], T], limit: float) -> None:
        self._limit = limit
        self._ends = time.monotonic() + limit
        self._done = threading.Event()
        self._value: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(ask,), daemon=True).start()

    @property
    def left(self) -> float:
        """Seconds that are left to answer."""
        return max(0.0, self._ends - time.monotonic())

    def _run(self, ask: Callable[[], T]) -> None:
        try:
            self._value.append(ask())
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def answer(self) -> T:
        """The answer. Raises what asking raised, or NoAnswer when the time is over."""
        if self._limit <= 0 or not self._done.wait(self.left):
            raise NoAnswer(f"No answer within {round(self._limit, 1):g} seconds.")
        if self._error is not None:
            raise self._error
        return self._value[0]
