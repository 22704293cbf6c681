"""Models an instance by what a load run measured of it: its p95 by load, and the load that it holds within a limit.

Nothing is extrapolated: between two measured rates the p95 is interpolated, below the lowest it is the lowest's, and a
rate above the highest that the server kept up with is never taken to hold.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from tui.local_trial.load.measured import Measured, Point

FAILED = 0.01
"""A point with a larger share of requests without an answer does not hold."""
BEHIND = 0.9
"""A server that answers less than this share of what was due does not keep up, beyond what chance explains."""
_TAIL = 0.05


@dataclass(frozen=True)
class Way:
    """An instance with a number of workers and of concurrent requests, at the rates that it keeps up with.

    `points` are in the order of their rates, `capacity` is the most answers a second of any point.
    """

    workers: int
    concurrency: int
    points: tuple[Point, ...]
    capacity: float

    @property
    def rest_ms(self) -> float:
        """The p95 at the lowest rate in milliseconds."""
        return self.points[0].p95_ms

    @property
    def highest(self) -> float:
        """The highest rate that the instance keeps up with, in requests a second."""
        return self.points[-1].rate

    def p95(self, rate: float, instances: int = 1, *, servers: int = 1, shared: bool = False) -> float:
        """The p95 in milliseconds when `instances` get `rate` requests a second together; infinite beyond `highest`.

        `servers` is how many requests an instance serves at a time. Each instance is a queue of its own, with an equal
        part of the requests at random; or, if `shared`, requests wait in front of all of them for the first that is
        free, or get instances in turn, which is nearly the same if they take about equally long.
        """
        each = rate / instances
        if shared and instances > 1:
            each = self._as_alone(each, instances, servers)
        return math.inf if each > self.highest * (1 + 1e-9) else self._measured(each)

    def _as_alone(self, each: float, instances: int, servers: int) -> float:
        """The rate at which requests wait for one instance as long as for these, which get `each` a second apiece."""
        used = each / self.capacity
        if used >= 1:
            return math.inf
        wait = waiting(servers * instances, used)
        return self.capacity * _most(lambda alone: waiting(servers, alone) <= wait, used)

    def _measured(self, rate: float) -> float:
        before, slowest = self.points[0], self.points[0].p95_ms
        for point in self.points:
            slow = max(slowest, point.p95_ms)  # more load is never faster; a lower figure is chance
            if rate <= point.rate:
                share = 1.0 if point.rate == before.rate else (rate - before.rate) / (point.rate - before.rate)
                return slowest + (slow - slowest) * max(0.0, share)
            before, slowest = point, slow
        return slowest

    def holds(self, limit_ms: float, instances: int = 1, *, servers: int = 1, shared: bool = False) -> float:
        """The most requests a second that `instances` answer with a p95 within a limit; 0 if none does."""
        if self.rest_ms > limit_ms:
            return 0.0
        high = (self.capacity if shared else self.highest) * instances
        return _most(lambda rate: self.p95(rate, instances, servers=servers, shared=shared) <= limit_ms, high)

    def p99(self, rate: float) -> float:
        """The largest p99 in milliseconds up to the first measured rate that is not below this one."""
        above = next((at for at, point in enumerate(self.points) if point.rate >= rate), len(self.points) - 1)
        return max(point.p99_ms for point in self.points[: above + 1])

    @property
    def cpu_ms(self) -> float | None:
        """Processor time of a request in milliseconds at the highest rate, where it is least disturbed by idling."""
        return next((point.cpu_ms for point in reversed(self.points) if point.cpu_ms is not None), None)


def ways(measured: Measured) -> list[Way]:
    """What was measured, by workers and concurrent requests; without those that hold no rate at all."""
    groups: dict[tuple[int, int], list[Point]] = defaultdict(list)
    for point in measured.points:
        groups[point.workers, point.concurrency].append(point)
    found = []
    for (workers, concurrency), points in sorted(groups.items()):
        kept = tuple(_kept_up(points))
        if kept:
            found.append(Way(workers, concurrency, kept, max(point.answered for point in points)))
    return found


def _kept_up(points: list[Point]) -> Iterator[Point]:
    """The points up to the first that the server did not keep up with, in the order of the rates that really came.

    Arrivals are random: of few requests, fewer may have come in the time than were due on average, and with them the
    latencies of a lower rate were measured.
    """
    came = [replace(point, rate=min(point.rate, point.requests / max(point.seconds, 1e-9))) for point in points]
    for nominal, point in sorted(zip(points, came), key=lambda pair: (pair[1].rate, pair[1].p95_ms)):
        answers = point.requests - point.failed
        least = BEHIND - 2 / math.sqrt(max(1, point.requests))
        if not answers or point.failed > FAILED * point.requests or point.answered < least * nominal.rate:
            return
        yield point


def _most(within: Callable[[float], bool], high: float) -> float:
    """The largest value up to `high` of which this is true; it is taken to be true of 0."""
    if within(high):
        return high
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if within(middle) else (low, middle)
    return low


def _busy(servers: int, utilisation: float) -> float:
    """The share of requests that find all servers busy (Erlang's formula C)."""
    load, blocked = servers * utilisation, 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)  # Erlang B of `number` servers
    return blocked / (1 - utilisation * (1 - blocked))


def waiting(servers: int, utilisation: float) -> float:
    """The 95th percentile of the time in a queue in front of `servers`, in service times; 0 if most do not wait."""
    used = min(utilisation, 0.99)
    busy = _busy(servers, used) if used > 0 else 0.0
    return 0.0 if busy <= _TAIL else math.log(busy / _TAIL) / (servers * (1 - used))


def places(servers: int, utilisation: float, share: float) -> int:
    """The fewest requests in service and in the queue together, of which at most `share` find no place (M/M/c/K).

    Service times that vary less than exponential ones need fewer: it is on the safe side.
    """
    load = servers * min(utilisation, 0.99)
    term, total, number = 1.0, 1.0, 0
    while number < servers or term > share * total:
        number += 1
        term *= load / min(number, servers)
        total += term
        if total > 1e200:
            term, total = term / 1e200, total / 1e200
    return number
