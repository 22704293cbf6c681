"""The budget of reads: half of Resource Manager's limit, less when little is left, and Resource Graph's own limit."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.http import read_budget
from tui.cloud.http.read_budget import GRAPH, LITTLE, ReadBudget, budgeted
from tui.common.deadlines import until

PATH = "/subscriptions/s/x"
LEFT = "x-ms-ratelimit-remaining-subscription-reads"


class Clock:
    """A time that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(clock: Clock) -> ReadBudget:
    return ReadBudget(clock, clock.wait)


def seconds_for(budget: ReadBudget, clock: Clock, number: int, place: str = "S") -> float:
    begun = clock.now
    for _ in range(number):
        budget.take(place)
    return clock.now - begun


def test_half_of_the_published_bucket_at_once_and_half_of_its_refill(budget: ReadBudget, clock: Clock) -> None:
    assert seconds_for(budget, clock, 125) == 0
    assert seconds_for(budget, clock, 125) == pytest.approx(10, abs=0.1)
    clock.now += 3600
    assert seconds_for(budget, clock, 125) == 0 and seconds_for(budget, clock, 1) > 0


def test_subscriptions_have_a_bucket_each_whatever_their_case(budget: ReadBudget, clock: Clock) -> None:
    assert seconds_for(budget, clock, 125, "A") == seconds_for(budget, clock, 125, "b") == 0
    assert seconds_for(budget, clock, 1, "a") > 0 and seconds_for(budget, clock, 125, "") == 0


@pytest.mark.parametrize(("left", "most", "least"), [(250, 0, 0), (LITTLE, 0, 0), (50, 20, 15), (0, 90, 79)])
def test_little_that_is_left_slows_it_down(
    budget: ReadBudget, clock: Clock, left: int, most: float, least: float
) -> None:
    budget.take("s")
    budget.learn("S", 200, {LEFT: str(left)})
    assert least <= seconds_for(budget, clock, 101) <= most


def test_it_reads_as_usual_again_when_there_is_enough(budget: ReadBudget, clock: Clock) -> None:
    budget.learn("s", 200, {LEFT: "0"})
    budget.learn("s", 200, {LEFT: "200"})
    assert seconds_for(budget, clock, 126) == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize("value", [None, "", "many", "-", "nan", "inf", "-inf", "9" * 400])
def test_a_header_that_is_none_is_ignored(budget: ReadBudget, clock: Clock, value: Any) -> None:
    budget.learn("s", 200, {LEFT: value})
    assert seconds_for(budget, clock, 125) == 0
    budget.learn("s", 200, {LEFT: "0"})
    budget.learn("s", 200, {LEFT: value})
    assert seconds_for(budget, clock, 11) > 7, "nothing is taken back by it"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "7"}, 7), ({}, 1), ({"Retry-After": "x"}, 1), ({"Retry-After": "999"}, 60)],
)
def test_a_429_is_obeyed(budget: ReadBudget, clock: Clock, headers: dict[str, str], seconds: float) -> None:
    budget.learn("s", 429, headers)
    assert seconds_for(budget, clock, 1) == pytest.approx(seconds, abs=0.1)
    assert seconds_for(budget, clock, 1, "other") == 0
    assert seconds_for(budget, clock, 25) == pytest.approx(2, abs=0.1), "nothing was saved meanwhile"


def test_no_five_seconds_have_more_than_fifteen_queries(budget: ReadBudget, clock: Clock) -> None:
    moments = []
    for _ in range(60):
        budget.take(GRAPH)
        moments.append(clock.now)
    for begin in moments:
        assert sum(begin <= one < begin + 5 for one in moments) <= 15


@pytest.mark.parametrize(("left", "seconds"), [("0", 5), ("-1", 5), ("1", 0), (None, 0), ("nan", 0), ("few", 0)])
def test_resource_graphs_header_is_obeyed(budget: ReadBudget, clock: Clock, left: Any, seconds: float) -> None:
    budget.learn(GRAPH, 200, {"x-ms-user-quota-remaining": left})
    assert seconds_for(budget, clock, 1, GRAPH) == pytest.approx(seconds, abs=1)


def test_waiting_ends_with_the_threads_limit(clock: Clock) -> None:
    stop = threading.Event()

    def wait(seconds: float) -> None:
        clock.wait(0.1)
        stop.set()

    budget = ReadBudget(clock, wait)
    budget.learn("s", 429, {"Retry-After": "50"})
    with until(lambda: True), pytest.raises(Cancelled):
        budget.take("s")
    assert clock.waits == []
    with until(stop.is_set), pytest.raises(Cancelled):
        budget.take("s")
    assert clock.waits == [0.1]
    with until(stop.is_set):
        budget.take("other")


def test_many_threads_get_what_one_would(clock: Clock) -> None:
    lock = threading.Lock()

    def wait(seconds: float) -> None:
        with lock:
            clock.wait(0.01)

    budget = ReadBudget(clock, wait)
    taken: Counter[int] = Counter()

    def work(number: int) -> None:
        for _ in range(30):
            budget.take("s")
            taken[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(taken.values()) == 240 and clock.now >= 1000 + (240 - 126) / 12.5


def test_each_request_and_each_retry_takes_and_tells(
    service: Service, cloud: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.on("GET", "/x", Reply(503, {}), Reply(200, {}, {LEFT: "17"}))
    service.on("POST", "/x", Reply(200, {}))
    taken: list[str] = []
    monkeypatch.setattr(ReadBudget, "take", lambda self, place: taken.append(place))
    other = budgeted(cloud)
    assert budgeted(other) is other and other.plan is cloud.plan and cloud.arm.watch is None
    other.arm.call("GET", PATH.replace("/s/", "/S/"), "v")
    other.arm.call("POST", PATH, "v")
    other.arm.call("GET", "/x", "v")
    cloud.arm.call("GET", PATH, "v")
    budget = read_budget.of(cloud)
    assert taken == ["s", "s", ""] and budget.requests == 4
    assert budget._buckets["s"].rate < read_budget.READS_A_SECOND / 2


def test_a_stop_ends_a_request_that_waits(service: Service, cloud: Any) -> None:
    service.on("GET", "/x", Reply(200, {}))
    read_budget.of(cloud).learn("s", 429, {"Retry-After": "50"})
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with until(stop.is_set), pytest.raises(Cancelled):
        budgeted(cloud).arm.call("GET", PATH, "v")
    assert service.count("GET", "/x") == 0


def test_connections_of_one_identity_share_a_budget(service: Service, cloud: Any, plan: Any) -> None:
    from tui.cloud.session import connect

    assert read_budget.of(connect(plan, credential=cloud.credential)) is read_budget.of(cloud)
    assert read_budget.of(connect(plan)) is not read_budget.of(cloud)


def test_a_refusal_stays_a_refusal(service: Service, cloud: Any) -> None:
    service.on("GET", "/x", Reply(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    with pytest.raises(CloudError) as error:
        budgeted(cloud).arm.call("GET", f"{WORKSPACE.id}/x", "v")
    assert error.value.status == 403


def test_the_time_in_which_threads_wait_is_counted_once(clock: Clock) -> None:
    waited, barrier = read_budget.Waited(), threading.Barrier(2)

    def wait(seconds: float) -> None:
        time.sleep(0.5)
        clock.now += seconds

    budget = ReadBudget(clock, wait)
    budget.learn("a", 429, {"Retry-After": "5"})
    budget.learn("b", 429, {"Retry-After": "5"})

    def work(place: str) -> None:
        read_budget.count(waited)
        barrier.wait()
        budget.take(place)
        budget.take("free")

    threads = [threading.Thread(target=work, args=(place,)) for place in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert 0.45 < waited.seconds < 0.95
