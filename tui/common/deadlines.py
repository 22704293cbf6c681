"""Waiting with a limit: a call in a separate thread, a pause, and a deadline that does not count the machine's sleep.

A thread's waits also end with its own limit or stop (`until`), so that code far below need not be told of them.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Generic, TypeVar

T = TypeVar("T")

CHECK_SECONDS = 0.1
_ASLEEP = 10.0


class NoAnswer(Exception):
    """There was no answer within the time limit."""


_waits = threading.local()


@contextmanager
def until(ended: Callable[[], bool]) -> Iterator[None]:
    """End this thread's waits early as soon as `ended` returns True, while inside; an outer one stays valid."""
    outer: tuple[Callable[[], bool], ...] = getattr(_waits, "ends", ())
    _waits.ends = (*outer, ended)
    try:
        yield
    finally:
        _waits.ends = outer


def over() -> bool:
    """Whether this thread should no longer wait (`until`)."""
    return any(ended() for ended in getattr(_waits, "ends", ()))


def pause(seconds: float) -> None:
    """Wait this long, or until `over`."""
    end = time.monotonic() + seconds
    while not over() and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, CHECK_SECONDS))


class Question(Generic[T]):
    """Calls a function in a thread at once; `answer` waits for it until `limit` seconds after the start.

    The thread is a daemon, so a file system or service that never answers does not keep the process alive.
    """

    def __init__(
        self, ask: Callable[[], T], limit: float = math.inf, answered: Callable[[], None] = lambda: None
    ) -> None:
        """`answered` is called on that thread after an answer or an error."""
        self._limit, self._answered = limit, answered
        self._ends = time.monotonic() + limit
        self._done = threading.Event()
        self._value: list[T] = []
        self._error: BaseException | None = None
        threading.Thread(target=self._run, args=(ask,), name="question", daemon=True).start()

    @property
    def left(self) -> float:
        """The seconds left until the limit."""
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
        """Wait for the answer. Raises what the function raised, or NoAnswer at the limit and when waiting is `over`.

        `check` is called ten times a second while waiting; an exception that it raises ends the waiting.
        """
        watched = check is not None or bool(getattr(_waits, "ends", ()))
        longest = CHECK_SECONDS if watched else threading.TIMEOUT_MAX
        while True:
            if check is not None:
                check()
            left = 0.0 if over() and not self._done.is_set() else self.left
            if self._limit > 0 and self._done.wait(min(left, longest)):
                break
            if left <= longest:
                raise NoAnswer(f"No answer within {round(self._limit, 1):g} seconds.")
        if self._error is not None:
            raise self._error
        return self._value[0]


class AwakeDeadline:
    """A deadline that counts only the time in which the machine was awake."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waited = 0.0
        self._looked = time.monotonic()

    def ended(self) -> bool:
        """Whether the limit is reached; must be called repeatedly while waiting."""
        now = time.monotonic()
        self._waited += min(now - self._looked, _ASLEEP)
        self._looked = now
        return self._waited > self.seconds
