"""Keeps reads of Azure Resource Manager and Resource Graph below their limits, which other clients share.

Resource Manager has, for each identity and subscription, a bucket of 250 reads that is refilled with 25 a second, and
one more for what is in no subscription; it says in a header how many are left (Microsoft, "Understand how Azure
Resource Manager throttles requests"). A pipeline with the same identity reads from the same bucket, so that only half
of it is used here, and less when little is left. Resource Graph answers 15 queries of an identity in 5 s, and says how
many are left (Microsoft, "Guidance for throttled requests in Azure Resource Graph").
"""

from __future__ import annotations

import copy
import math
import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable
from weakref import WeakKeyDictionary

from tui.cloud.errors import Cancelled
from tui.cloud.http import arm
from tui.cloud.http.retry_policy import retry_after
from tui.common.deadlines import over, pause

if TYPE_CHECKING:
    from tui.cloud.session import Cloud

READS, READS_A_SECOND = 125.0, 12.5
"""Half of the published limits."""
QUERIES, QUERIES_A_SECOND, WINDOW = 7.0, 1.5, 5.0
"""Of Resource Graph: in any 5 s at most 14.5, of the 15 that are published."""
LITTLE = 100
"""Reads left in Resource Manager's bucket, below which there are fewer of ours."""
GRAPH = "resource graph"

_LEFT = ("x-ms-ratelimit-remaining-subscription-reads", "x-ms-ratelimit-remaining-tenant-reads")
_QUERIES_LEFT = "x-ms-user-quota-remaining"
_PLACE = re.compile(r"(/providers/microsoft\.resourcegraph/)|/subscriptions/([^/?]+)", re.IGNORECASE)
_MOST_SECONDS = 60.0  # that a header can make it wait


class _Bucket:
    """Requests that may be sent at once (`level`, filled at `at`), and those that each second adds."""

    def __init__(self, size: float, rate: float, now: float) -> None:
        self.size = self.level = size
        self.usual = self.rate = rate
        self.at = self.closed = now

    def take(self, now: float) -> float:
        """Take one, or return the seconds after which to try again."""
        if now < self.closed:
            return self.closed - now
        self.level, self.at = min(self.size, self.level + (now - self.at) * self.rate), now
        if self.level >= 1:
            self.level -= 1
            return 0.0
        return max(0.001, (1 - self.level) / self.rate)  # at least what a clock can tell

    def close(self, now: float, seconds: float) -> None:
        """Nothing before these seconds are over; then one, and as if nothing had been saved meanwhile."""
        self.closed = self.at = max(self.closed, now + min(seconds, _MOST_SECONDS))
        self.level = 1.0


class Waited:
    """How long threads (see `count`) have waited for their budget: the time in which at least one did."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before, self._since, self._threads = 0.0, 0.0, 0

    @property
    def seconds(self) -> float:
        """All of it until now."""
        with self._lock:
            return self._before + (time.monotonic() - self._since if self._threads else 0.0)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Meanwhile, one more thread waits."""
        with self._lock:
            self._since = self._since if self._threads else time.monotonic()
            self._threads += 1
        try:
            yield
        finally:
            with self._lock:
                self._threads -= 1
                self._before += 0.0 if self._threads else time.monotonic() - self._since


_thread = threading.local()


def count(waited: Waited) -> None:
    """From now on, note there how long this thread waits."""
    _thread.waited = waited


def counted() -> Waited:
    """Where it is noted how long this thread waits."""
    return getattr(_thread, "waited", None) or Waited()


class ReadBudget:
    """The reads of one identity, by subscription; safe to use from several threads.

    It sees each request of a `ResourceManager`, retries included; `requests` is their number.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, wait: Callable[[float], None] = pause) -> None:
        """`clock` gives seconds, `wait` waits for some, or until `deadlines.over`."""
        self.requests = 0
        self._clock, self._wait = clock, wait
        self._lock = threading.Lock()
        self._buckets = defaultdict(lambda: _Bucket(READS, READS_A_SECOND, clock()))
        self._buckets[GRAPH] = _Bucket(QUERIES, QUERIES_A_SECOND, clock())

    def take(self, place: str) -> None:
        """Wait until one more read of a subscription (its id; GRAPH: a query; empty: of none) may be sent.

        Raises Cancelled when this thread should no longer wait (`deadlines.until`).
        """
        with counted().waiting():
            while True:
                with self._lock:
                    seconds = self._buckets[place.lower()].take(self._clock())
                if not seconds:
                    return
                if over():
                    raise Cancelled
                self._wait(seconds)

    def learn(self, place: str, status: int, headers: Any) -> None:
        """Slow down by an answer's headers: what is left of the limit, and after 429 how long to wait."""
        with self._lock:
            bucket, now = self._buckets[place.lower()], self._clock()
            if status == 429:
                bucket.close(now, retry_after("throttled", headers) or 1.0)
            if place == GRAPH:
                if _number(headers.get(_QUERIES_LEFT)) < 1:
                    bucket.close(now, WINDOW)
                return
            left = _number(headers.get(_LEFT[0]) or headers.get(_LEFT[1]))
            if math.isfinite(left):
                # In proportion to what is left, and never quite nothing: the header may stay away later.
                bucket.rate = bucket.usual * max(0.1, min(1.0, left / LITTLE))
                if left < LITTLE:
                    bucket.level = min(bucket.level, 1.0)

    def sending(self, request: Any) -> None:
        """The hook before each request."""
        sent = request.http_request
        if sent.method in ("GET", "HEAD") or _place(sent.url) == GRAPH:
            self.take(_place(sent.url))
        with self._lock:
            self.requests += 1

    def answered(self, response: Any) -> None:
        """The hook after each answer."""
        answer = response.http_response
        self.learn(_place(response.http_request.url), answer.status_code, answer.headers)


_budgets: WeakKeyDictionary[Any, ReadBudget] = WeakKeyDictionary()


def of(cloud: Cloud) -> ReadBudget:
    """The budget of a connection's identity, which all its connections in this process share."""
    return _budgets.setdefault(cloud.credential, ReadBudget())


def budgeted(cloud: Cloud) -> Cloud:
    """The same connection, whose reads of Resource Manager wait for the identity's budget; see `ReadBudget.take`."""
    if cloud.arm.watch is not None:
        return cloud
    other = copy.copy(cloud)
    other.arm = arm.ResourceManager(cloud.metadata, cloud.credential, cloud.arm.transport, of(cloud))
    return other


def _place(url: str) -> str:
    """What a request is counted for: a subscription's id, Resource Graph, or none."""
    found = _PLACE.search(url)
    return "" if found is None else GRAPH if found[1] else found[2].lower()


def _number(text: Any) -> float:
    """Not finite if it is none."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.inf
