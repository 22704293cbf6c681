"""Retries that can be seen: the SDK retries in silence, and a silent minute looks like a hang."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Callable, TypeVar

from azure.core.pipeline.policies import RetryPolicy

from tui.cloud.http.retry_policy import POLICIES, delay

Observer = Callable[[str, float], None]
Value = TypeVar("Value")
_local = threading.local()


class Attempts:
    """What became of the requests that a call sent before the one whose answer it got.

    `unanswered`: at least one of them ended without an answer of the service itself (a connection that broke, a
    gateway's 5xx), so that the service may have done what it was asked for all the same.
    """

    unanswered = False


@contextmanager
def _inside(name: str, value: Value) -> Iterator[Value]:
    """While inside, this thread's variable of that name has a value."""
    previous = getattr(_local, name, None)
    setattr(_local, name, value)
    try:
        yield value
    finally:
        setattr(_local, name, previous)


def attempts() -> AbstractContextManager[Attempts]:
    """While inside, what this thread sends again is noted in the value."""
    return _inside("attempts", Attempts())


def observed(observer: Observer | None) -> AbstractContextManager[Observer | None]:
    """While inside, calls made by this thread report each retry as (reason, seconds to wait)."""
    return _inside("observer", observer)


def report(reason: str, delay: float) -> None:
    """Tells this thread's observer, if there is one, that something is tried again."""
    observer: Observer | None = getattr(_local, "observer", None)
    if observer is not None:
        observer(reason, delay)


class NotifyingRetryPolicy(RetryPolicy):  # type: ignore[misc]
    """azure-core's retry policy with shorter waits: at most four attempts, some 10 s in all.

    `Retry-After` is honoured. Whoever called decides whether to go on after that; the default of ten attempts
    keeps a person waiting for minutes without a word.
    """

    def __init__(self) -> None:
        super().__init__(
            retry_total=POLICIES["request"].tries,
            retry_connect=3,
            retry_read=3,
            retry_status=POLICIES["throttled"].tries,
        )

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """As the base class; and 429 for every method: what was throttled was not begun, so it may be sent again."""
        if response.http_response.status_code == 429:
            return bool(settings["total"])
        return bool(super().is_retry(settings, response))

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """The delay of our table, by the last answer."""
        history = settings["history"]
        last = history[-1].http_response if history else None
        throttled = last is not None and last.status_code == 429
        return delay("throttled" if throttled else "request", max(0, len(history) - 1))

    def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Waits as the base class does, after saying why and for how long."""
        status = response.http_response.status_code if response else None
        reason = f"Azure answered {status}" if status else "the connection failed"
        seen: Attempts | None = getattr(_local, "attempts", None)
        # What was throttled (429) was not begun.
        if seen is not None and (status is None or status >= 500):
            seen.unanswered = True
        hint = self.get_retry_after(response) if response else None
        report(reason, float(hint or self.get_backoff_time(settings)))
        super().sleep(settings, transport, response)
