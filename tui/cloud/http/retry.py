"""Reports retries, since the SDK retries silently and a silent minute looks like a hang."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Callable, TypeVar

from azure.core.pipeline.policies import RetryPolicy
from azure.core.pipeline.transport import RequestsTransport

from tui.cloud.http.retry_policy import POLICIES, delay, retry_after
from tui.common.deadlines import pause

Observer = Callable[[str, float], None]
Value = TypeVar("Value")
_local = threading.local()


class Attempts:
    """The outcome of a call's earlier attempts, before the one that was answered.

    `unanswered` is whether at least one ended without a response of the service itself (a broken connection, a
    gateway's 5xx), so that the service may have carried out the request nevertheless.
    """

    unanswered = False


@contextmanager
def _inside(name: str, value: Value) -> Iterator[Value]:
    """Set this thread's variable of that name while inside."""
    previous = getattr(_local, name, None)
    setattr(_local, name, value)
    try:
        yield value
    finally:
        setattr(_local, name, previous)


def attempts() -> AbstractContextManager[Attempts]:
    """Record this thread's retries in the yielded value while inside."""
    return _inside("attempts", Attempts())


def observed(observer: Observer | None) -> AbstractContextManager[Observer | None]:
    """Report each retry of this thread's calls as (reason, seconds to wait) while inside."""
    return _inside("observer", observer)


def last_answer() -> AbstractContextManager[list[Any]]:
    """Keep the answer to this thread's latest request in the yielded list while inside; it is empty without one."""
    return _inside("answer", list[Any]())


def report(reason: str, delay: float) -> None:
    """Report a retry to this thread's observer, if there is one."""
    observer: Observer | None = getattr(_local, "observer", None)
    if observer is not None:
        observer(reason, delay)


class NotifyingRetryPolicy(RetryPolicy):  # type: ignore[misc]
    """azure-core's retry policy with shorter waits: at most four attempts, about 10 s in total.

    `Retry-After` is honoured within the policy's limits. The caller decides whether to continue after that; the
    default of ten attempts would wait silently for minutes.
    """

    def __init__(self) -> None:
        super().__init__(
            retry_total=POLICIES["request"].tries,
            retry_connect=3,
            retry_read=3,
            retry_status=POLICIES["throttled"].tries,
        )

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Like the base class, but also retry 429 for every method, since a throttled request was not carried out."""
        if response.http_response.status_code == 429:
            return bool(settings["total"])
        return bool(super().is_retry(settings, response))

    def sleep(self, settings: dict[str, Any], transport: Any, response: Any = None) -> None:
        """Wait by the table of retry policies, after reporting the reason and the delay.

        Unlike the base class's, the wait has a maximum whatever the service sends, and ends with the caller's limit.
        """
        status = response.http_response.status_code if response else None
        reason = f"Azure answered {status}" if status else "the connection failed"
        seen: Attempts | None = getattr(_local, "attempts", None)
        # A throttled request (429) was not carried out.
        if seen is not None and (status is None or status >= 500):
            seen.unanswered = True
        name = "throttled" if status == 429 else "request"
        hint = retry_after(name, response.http_response.headers) if response else None
        seconds = delay(name, max(0, len(settings["history"]) - 1), hint)
        report(reason, seconds)
        pause(seconds)


class PatientTransport(RequestsTransport):  # type: ignore[misc]
    """azure-core's transport; the retry policies of azure-identity and of Key Vault's client wait by its `sleep`."""

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request. A `Retry-After` that is none is removed, since azure-core's policies would fail at it."""
        kept: list[Any] | None = getattr(_local, "answer", None)
        if kept is not None:
            kept.clear()
        response = super().send(request, **options)
        if kept is not None:
            kept.append(response)
        if retry_after("throttled", response.headers) is None:
            response.headers.pop("Retry-After", None)
        return response

    def sleep(self, duration: float) -> None:
        """Wait at most as long as our own policies do: those ones would wait a day if the service asked for it."""
        seconds = min(POLICIES["throttled"].longest_hint, duration)
        report("a service asked to try later", seconds)
        pause(seconds)
