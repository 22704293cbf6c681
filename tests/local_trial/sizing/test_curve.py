"""The model of an instance, against Erlang's formulas and against simulated queues."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from tui.local_trial.load.measured import Measured, Memory, Point
from tui.local_trial.sizing.curve import Way, _busy, places, ways

SERVICE = 0.1
"""Seconds of a request in the simulated server."""


def latencies(
    rate: float, queues: int, servers: int, vary: bool, in_turn: bool = False, number: int = 20_000
) -> list[float]:
    """Simulate Poisson arrivals at queues, at random or in turn, each in front of some servers; latencies in ms."""
    chance = random.Random(7)
    free = [[0.0] * servers for _ in range(queues)]
    now, found = 0.0, []
    for turn in range(number):
        now += chance.expovariate(rate)
        queue = free[turn % queues if in_turn else chance.randrange(queues)]
        first = min(range(servers), key=queue.__getitem__)
        took = SERVICE * (chance.uniform(0.5, 1.5) if vary else 1.0)
        queue[first] = max(now, queue[first]) + took
        found.append((queue[first] - now) * 1000)
    return sorted(found)


def percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[math.ceil(share * len(ordered)) - 1]


def simulated(servers: int, vary: bool) -> Way:
    """What a load run would measure of one such instance."""
    capacity = servers / SERVICE
    points = []
    for share in (0.2, 0.4, 0.55, 0.7, 0.8, 0.88, 0.95):
        took = latencies(share * capacity, 1, servers, vary)
        p50, p95, p99 = (percentile(took, part) for part in (0.5, 0.95, 0.99))
        points.append(
            Point(servers, servers, share * capacity, 60, len(took), 0, share * capacity, p50, p95, p99, None, None)
        )
    points.append(
        Point(servers, servers, 2 * capacity, 60, int(120 * capacity), 0, capacity, 1e5, 1e5, 1e5, None, None)
    )
    nothing = Memory(None, None, None)
    (found,) = ways(
        Measured("blue", "", 1.0, "", None, (0, 0.0), (1, 1), "sample", tuple(points), nothing, None, True, "")
    )
    return found


@pytest.mark.parametrize("vary", [False, True])
@pytest.mark.parametrize("instances", [1, 2, 4])
@pytest.mark.parametrize("servers", [1, 2])
@pytest.mark.parametrize("dealt", ["at random", "to the first that is free", "in turn"])
def test_the_load_of_several_instances_is_predicted_within_a_quarter(
    servers: int, instances: int, vary: bool, dealt: str
) -> None:
    """Fitted on one instance; several are queues of their own, at random or in turn, or one queue in front of all."""
    shared = dealt != "at random"
    way = simulated(servers, vary)
    limit = 2.5 * way.rest_ms
    predicted = way.holds(limit, instances, servers=servers, shared=shared)
    queues, each = (1, servers * instances) if dealt == "to the first that is free" else (instances, servers)

    def p95(rate: float) -> float:
        return percentile(latencies(rate, queues, each, vary, dealt == "in turn"), 0.95)

    low, high = 0.0, instances * way.capacity * 0.999
    for _ in range(9):
        middle = (low + high) / 2
        low, high = (middle, high) if p95(middle) <= limit else (low, middle)
    assert predicted == pytest.approx(low, rel=0.25)
    assert shared or predicted == pytest.approx(low, rel=0.1)


def test_what_is_measured_is_interpolated_and_never_falls() -> None:
    points = (
        Point(1, 1, rate, 1, 100, 0, rate, 1, p95, 9, None, None) for rate, p95 in ((1, 10), (2, 30), (3, 20), (4, 50))
    )
    way = Way(1, 1, tuple(points), 5.0)
    assert [way.p95(rate) for rate in (0.1, 1, 1.5, 2, 2.5, 3, 3.5, 4)] == [10, 10, 20, 30, 30, 30, 40, 50]
    assert way.p95(4.1) == math.inf and way.holds(30) == pytest.approx(3.0) and way.holds(9) == 0.0
    assert way.holds(1000) == 4.0 and way.holds(1000, 3) == 12.0 and way.p99(0.5) == 9


@pytest.mark.parametrize(
    ("servers", "used", "share"), [(1, 0.5, 0.5), (2, 0.5, 1 / 3), (5, 0.8, 0.5541), (100, 0.5, 0.0)]
)
def test_the_share_that_waits_is_erlangs(servers: int, used: float, share: float) -> None:
    assert _busy(servers, used) == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("used", [0.1, 0.5, 0.9])
def test_places_for_one_server(used: float) -> None:
    """M/M/1/K: the K-th place is taken with probability (1 - r) r^K / (1 - r^(K + 1))."""

    def lost(count: int) -> float:
        return (1 - used) * used**count / (1 - used ** (count + 1))

    count = places(1, used, 0.001)
    assert lost(count) <= 0.001 < lost(count - 1)
    assert places(400, 0.9, 0.001) >= 400  # and no number overflows


def test_few_requests_may_come_later_than_on_average() -> None:
    """Of 3.6 a second, 34 came in 12 seconds by chance: that is 2.8 a second, and the server did keep up."""
    rare = Point(1, 4, 3.6, 12.0, 34, 0, 2.8, 240, 540, 550, 5, 0.01)
    steady = Point(1, 4, 36.0, 120.0, 3400, 0, 28.0, 240, 540, 550, 5, 0.1)
    nothing = Memory(None, None, None)

    def kept(point: Point) -> list[Way]:
        return ways(Measured("blue", "", 1.0, "", None, (0, 0.0), (1, 1), "sample", (point,), nothing, None, True, ""))

    (way,) = kept(rare)
    assert way.highest == pytest.approx(34 / 12)
    assert kept(steady) == []
