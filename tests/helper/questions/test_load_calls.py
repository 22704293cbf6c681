"""A load test's calls: how many are made, which results are kept, and for how long a key is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from tui.cloud.endpoints.keys import EndpointCredential
from tui.cloud.endpoints.scoring import ScoreResult
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.helper.questions import load_test


def result(status: int = 200, ok: bool = True, note: str = "", body: str = "", by: str | None = "blue") -> ScoreResult:
    return ScoreResult(status, 12.5, {}, body, by, ok, note)


class Place:
    """What the calls meet: answers in turn, the last again and again; how many calls were open at a time."""

    def __init__(self) -> None:
        self.answers: list[Any] = [result()]
        self.seconds = 0.0
        self.open = self.most = self.looked = self.keys = 0
        self.lock = threading.Lock()
        self.cloud = SimpleNamespace(
            credential="identity", workspace_id="/w", plan=SimpleNamespace(endpoint=SimpleNamespace(name="churn"))
        )

    def existing(self, cloud: Any, name: str, deployments: bool = True) -> Any:
        assert not deployments, "its deployments are not needed and cost a request"
        self.looked += 1
        return SimpleNamespace(name=name)

    def credentials(self, cloud: Any, endpoint: Any) -> EndpointCredential:
        self.keys += 1
        return EndpointCredential("k", "key")

    def score(self, cloud: Any, found: Any, body: bytes, deployment: str | None, credential: Any) -> Any:
        assert (found.name, credential.secret()) == ("churn", "k")
        with self.lock:
            self.open += 1
            self.most = max(self.most, self.open)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        time.sleep(self.seconds)
        with self.lock:
            self.open -= 1
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place()
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: made.cloud)
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.existing", made.existing)
    monkeypatch.setattr("tui.cloud.endpoints.keys.credentials", made.credentials)
    monkeypatch.setattr("tui.cloud.endpoints.scoring.score", made.score)
    load_test._known.clear()
    yield made
    load_test._known.clear()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_so_many_calls_are_made_as_asked_for(place: Place, count: int) -> None:
    assert len(load_test.burst({}, "{}", count=count).calls) == count


def test_twenty_calls_one_at_a_time_unless_asked_otherwise(place: Place) -> None:
    place.seconds = 0.001
    assert (len(load_test.burst({}, "{}").calls), place.most) == (20, 1)


@pytest.mark.parametrize("parallel", [2, 3])
def test_as_many_calls_at_a_time_as_asked_for(place: Place, parallel: int) -> None:
    place.seconds = 0.02
    load_test.burst({}, "{}", count=3 * parallel, parallel=parallel)
    assert place.most == parallel


def test_no_call_is_started_after_the_time_but_one_is_always_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(load_test, "time", SimpleNamespace(perf_counter=lambda: next(clock), monotonic=time.monotonic))
    # The clock is read at the start, at each look whether there is time left, and at each end: 0, 1, 2, 3, …
    found = load_test.burst({}, "{}", count=9, seconds=0)
    assert [call["ended"] for call in found.calls] == [2]
    clock = iter(range(1000))
    found = load_test.burst({}, "{}", count=9, seconds=3)
    assert [call["ended"] for call in found.calls] == [2, 4], "after exactly three seconds another one may start"
    assert found.seconds == 6


def test_a_burst_takes_a_second_at_most_unless_asked_otherwise(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(number / 4 for number in range(1000))
    monkeypatch.setattr(load_test, "time", SimpleNamespace(perf_counter=lambda: next(clock), monotonic=time.monotonic))
    assert [call["ended"] for call in load_test.burst({}, "{}").calls] == [0.5, 1.0]


def test_what_is_kept_of_each_call(place: Place) -> None:
    refused = CloudError("No answer", "The host is down.", "Wait.")
    other = CloudError("Another", "c", "r")
    place.answers = [
        result(by=None),
        refused,
        other,
        result(424, False, "Note", "  body  "),
        result(500, False, "Last"),
    ]
    found = load_test.burst({}, "{}", count=5)
    rows = [(call["status_code"], call["latency_ms"], call["ok"], call["deployment"]) for call in found.calls]
    assert rows == [
        (200, 12.5, True, ""), (None, None, False, ""), (None, None, False, ""),
        (424, 12.5, False, "blue"), (500, 12.5, False, "blue"),
    ]  # fmt: skip
    assert found.error == {"title": "No answer", "cause": "The host is down.", "remedy": "Wait."}, "the first one"
    assert found.first_bad == "Note\n  body", "the first one"


@pytest.mark.parametrize(("length", "kept"), [(1999, 1999), (2000, 2000), (2001, 2000)])
def test_two_thousand_characters_of_the_first_failed_response(place: Place, length: int, kept: int) -> None:
    place.answers = [result(500, False, "", "x" * length)]
    assert len(load_test.burst({}, "{}", count=1).first_bad) == kept


def test_a_burst_without_failures_has_none(place: Place) -> None:
    found = load_test.burst({}, "{}", count=2)
    assert (found.first_bad, found.error) == ("", None)


@pytest.mark.parametrize(("seconds", "keys"), [(0.0, 1), (59.9, 1), (60.0, 2), (61.0, 2)])
def test_the_key_is_asked_for_once_a_minute(
    place: Place, seconds: float, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(load_test, "time", SimpleNamespace(perf_counter=time.perf_counter, monotonic=lambda: now))
    load_test.burst({}, "{}", count=1)
    now += seconds
    load_test.burst({}, "{}", count=1)
    assert (place.looked, place.keys) == (keys, keys)


@pytest.mark.parametrize(("status", "keys"), [(200, 1), (400, 1), (401, 2), (403, 1), (500, 1)])
def test_a_refused_key_is_asked_for_again(place: Place, status: int, keys: int) -> None:
    place.answers = [result(status, status == 200), result()]
    load_test.burst({}, "{}", count=2)
    load_test.burst({}, "{}", count=1)
    assert place.keys == keys


def test_a_missing_answer_is_no_refused_key(place: Place) -> None:
    place.answers = [CloudError("No answer")]
    load_test.burst({}, "{}", count=1)
    load_test.burst({}, "{}", count=1)
    assert place.keys == 1


def test_another_identity_asks_for_its_own_key(place: Place) -> None:
    load_test.burst({}, "{}", count=1)
    place.cloud.credential = "another identity"
    load_test.burst({}, "{}", count=1)
    assert place.keys == 2


def test_a_call_without_a_response_in_time_is_told_from_one_that_is_refused(place: Place) -> None:
    place.answers = [
        explain(requests.ReadTimeout("HTTPSConnectionPool(host='x'): Read timed out.")),
        explain(requests.ConnectTimeout("Connection to x timed out.")),
        explain(requests.ConnectionError("Connection refused")),
    ]
    calls = load_test.burst({}, "{}", count=3).calls
    assert [call.get("timed_out") for call in calls] == [True, True, False]
