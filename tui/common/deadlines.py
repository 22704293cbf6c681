"""Waiting that has an end: a call in a thread of its own, and a limit that does not count sleep."""

from __future__ import annotations

import math
import threading
import time
from typing import Callable, Generic, TypeVar

T = TypeVar("T")

CHECK_SECONDS = 0.1
_ASLEEP = 10.0


class NoAnswer(Exception):
    """Nobody answered within the time limit."""


class Question(Generic[T]):
    """Starts to ask at once; `answer` waits, but never longer than `limit` seconds after the start.

    The thread is a daemon: a file system or a service that never answers does not keep the process alive.
    """

    def __init__(
        self, ask: Callable[[], T], limit: float = math.inf, answered: Callable[[], None] = lambda: None
    ) -> None:
        """`answered` is called on that thread once there is an answer, or an error."""
        self._limit, self._answered = limit, answered
        self._ends = time.monotonic() + limit
        self._done = threading.Event()
        self._value: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(ask,), name="question", daemon=True).start()

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
            self._answered()

    def answer(self, check: Callable[[], None] | None = None) -> T:
        """The answer. Raises what asking raised, or NoAnswer when the time is over.

        `check` is called ten times a second while the answer is waited for; what it raises ends the waiting.
        """
        longest = threading.TIMEOUT_MAX if check is None else CHECK_SECONDS
        while True:
            if check is not None:
                check()
            left = self.left
            if self._limit > 0 and self._done.wait(min(left, longest)):
                break
            if left <= longest:
                raise NoAnswer(f"No answer within {round(self._limit, 1):g} seconds.")
        if self._error is not None:
            raise self._error
        return self._value[0]


class AwakeDeadline:
    """Counts the seconds in which somebody watched: an hour in which the machine slept is not held against Azure."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waited = 0.0
        self._looked = time.monotonic()

    def ended(self) -> bool:
        """Whether the limit is reached; call it again and again while waiting."""
        now = time.monotonic()
        self._waited += min(now - self._looked, _ASLEEP)
        self._looked = now
        return self._waited > self.seconds
