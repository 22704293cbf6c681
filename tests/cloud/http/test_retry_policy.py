"""How long to wait before the next attempt, and how the pace of an upload follows the storage."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import Cancelled, CloudError, OperationFailed
from tui.cloud.http import retry
from tui.cloud.http import run_operation as running
from tui.cloud.http.retry import NotifyingRetryPolicy, attempts, observed
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy, delay, retry_after
from tui.cloud.http.run_operation import busy, follow, run_operation
from tui.cloud.storage.upload_pace import Pace


@pytest.mark.parametrize(
    ("name", "delays"),
    [
        ("request", [0, 1, 2, 4, 8, 8]),
        ("throttled", [1, 2, 4, 8, 8]),
        ("operation", [2, 4, 8, 15, 15]),
        ("diagnosis", [2, 4, 8, 15, 15]),
        ("conflict", [3, 5, 10, 20, 30, 30]),
        ("outage", [5, 10, 20, 30, 30]),
        ("test", [1, 2, 4, 5, 5]),
    ],
)
def test_delays_grow_and_the_last_is_repeated(name: str, delays: list[float]) -> None:
    assert [delay(name, attempt) for attempt in range(len(delays))] == delays
    assert delay(name, 0, 7.5) == 7.5 and delay(name, 3, 0.0) == delays[0], "no pause of 0 without end"
    assert POLICIES[name].slowest == max(delays)


def test_delays_of_an_upload_vary_by_a_quarter() -> None:
    for attempt, middle in enumerate([0.5, 1, 2, 4, 8, 15, 15]):
        found = [delay("upload", attempt) for _ in range(200)]
        assert 0.75 * middle <= min(found) < 0.9 * middle and 1.1 * middle < max(found) <= 1.25 * middle


def test_the_limits_of_the_table() -> None:
    tries = {name: policy.tries for name, policy in POLICIES.items() if policy.tries < 1000}
    assert tries == {"request": 4, "throttled": 4, "conflict": 4, "upload": 30}
    hints = {name: policy.longest_hint for name, policy in POLICIES.items()}
    assert hints == {**dict.fromkeys(POLICIES, 300.0), "diagnosis": 10.0, "operation": 60.0}
    assert RetryPolicy((1.0,)).jitter == 0 and [n for n, p in POLICIES.items() if p.jitter] == ["upload"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("5", 5),
        ("0", 0),
        ("-1", 0),
        ("1.5", 1.5),
        ("9", 9),
        ("11", 10),
        ("99999999", 10),
        ("inf", 10),
        ("-inf", 0),
        ("nan", None),
        ("soon", None),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        (f"Fri, 31 Dec {'9' * 30} 23:59:59 GMT", None),
        (f"1 Jan 2020 00:00:00 +{'9' * 30}", None),
    ],
)
def test_the_services_wish_is_followed_up_to_a_limit(header: str | None, seconds: float | None) -> None:
    assert retry_after("diagnosis", {} if header is None else {"Retry-After": header}) == seconds


def test_the_services_wish_may_be_a_date() -> None:
    later = datetime.now(timezone.utc) + timedelta(seconds=100)
    for text in (format_datetime(later), format_datetime(later.astimezone(timezone(timedelta(hours=5)))),
                 format_datetime(later.replace(tzinfo=None))):  # fmt: skip
        found = retry_after("request", {"Retry-After": text})
        assert found is not None and 60 < found <= 100
    assert retry_after("operation", {"Retry-After": format_datetime(later - timedelta(hours=1))}) == 0


def answer(status: int, **headers: str) -> Any:
    return SimpleNamespace(http_response=SimpleNamespace(status_code=status, headers=headers))


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, which take no time."""
    pauses: list[float] = []
    monkeypatch.setattr(retry, "pause", pauses.append)
    return pauses


def test_a_throttled_request_waits_longer_and_was_not_carried_out(waited: list[float]) -> None:
    policy = NotifyingRetryPolicy()
    totals = [policy.total_retries, policy.connect_retries, policy.read_retries, policy.status_retries]
    assert totals == [4, 3, 3, 4]
    for status in (429, 500):
        for count in (1, 2, 3):
            policy.sleep({"history": [answer(status)] * count}, None, answer(status))
    policy.sleep({"history": [None]}, None)
    assert waited == [1, 2, 4, 0, 1, 2, 0]
    assert policy.is_retry({"total": 1, "method": "PATCH"}, answer(429))
    assert not policy.is_retry({"total": 0, "method": "PATCH"}, answer(429))


@pytest.mark.parametrize(
    ("status", "wish", "seconds"),
    [(429, "0", 1), (429, "7", 7), (429, "99999999", 300), (503, "inf", 300), (429, "nan", 1), (503, "-5", 0)],
)
def test_no_wish_of_the_service_makes_a_request_wait_for_ever_or_not_at_all(
    waited: list[float], status: int, wish: str, seconds: float
) -> None:
    NotifyingRetryPolicy().sleep({"history": [answer(status)]}, None, answer(status, **{"Retry-After": wish}))
    assert waited == [seconds]


@pytest.mark.parametrize(
    ("response", "reason", "unanswered"),
    [
        (None, "the connection failed", True),
        (answer(500), "Azure answered 500", True),
        (answer(504), "Azure answered 504", True),
        (answer(429), "Azure answered 429", False),
        (answer(499), "Azure answered 499", False),
    ],
)
def test_a_retry_is_reported_and_remembered(waited: list[float], response: Any, reason: str, unanswered: bool) -> None:
    told: list[tuple[str, float]] = []
    with observed(lambda *said: told.append(said)), attempts() as before:
        assert before.unanswered is False
        NotifyingRetryPolicy().sleep({"history": []}, None, response)
    assert (told, before.unanswered) == ([(reason, waited[0])], unanswered)


def in_state(state: str, status: int, code: str = "BadRequest") -> CloudError:
    error = CloudError("x", "x", code=code, status=status)
    error.state = state
    return error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OperationFailed("OperationCanceled", "x"), True),
        (OperationFailed("Other", "another operation is in progress"), False),
        (CloudError("x", "because it is in Updating provisioning state", status=400), True),
        (CloudError("x", "because it is in Updating provisioning state", status=409), True),
        (CloudError("x", "because it is in Updating provisioning state", status=412), True),
        (CloudError("x", "because it is in Updating provisioning state", status=403), False),
        (CloudError("x", "maxConcurrentRequestsPerInstance is not valid", code="BadRequest", status=400), False),
        (CloudError("x", "concurrent", raw="in creating, in provisioning, another operation", status=409), False),
        (in_state("Updating", 400), True),
        (in_state("Deleting", 409), True),
        (in_state("Succeeded", 400), False),
        (in_state("Updating", 403), False),
        (in_state("Updating", 404), False),
        (in_state("absent", 409, "Conflict"), False),  # the name is taken elsewhere
        (in_state("Succeeded", 409, "Conflict"), True),
        (CloudError("x", "x", code="Conflict", status=409), True),
        (CloudError("x", "x", code="Conflict", status=400), False),
        (CloudError("x", "x", code="Other", status=409), False),
        (CloudError("x", "x", code="Conflict"), False),
    ],
)
def test_what_may_be_repeated_when_another_change_has_ended(error: CloudError, again: bool) -> None:
    assert busy(error) is again


class Ended:
    """An operation that ends after a number of looks."""

    def __init__(self, looks: int = 0, error: CloudError | None = None) -> None:
        self.looks, self.error, self.what, self.state = looks, error, "it", "Creating"

    def wait(self, seconds: float) -> bool:
        self.looks -= 1
        return self.looks < 0

    def result(self) -> str:
        if self.error is not None:
            raise self.error
        return "made"


@pytest.fixture
def instant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "conflict", RetryPolicy((0.0, 0.01), tries=4))
    monkeypatch.setattr(running, "CHECK_SECONDS", 0.001)


BUSY = CloudError("x", "Another operation is in progress.\nMore", code="Conflict", status=409)


def begun(results: list[Any]) -> Any:
    def begin() -> Any:
        found = results.pop(0)
        if isinstance(found, CloudError):
            raise found
        return found

    return begin


def test_a_conflict_is_waited_for_and_told(instant: None) -> None:
    told: list[tuple[str, float]] = []
    results = [BUSY, BUSY, Ended(2)]
    assert run_operation(begun(results), waiting=lambda *said: told.append(said)) == "made"  # type: ignore[arg-type]
    assert [seconds for _, seconds in told] == [0.0, 0.01]
    assert told[0][0].endswith("Another operation is in progress")


@pytest.mark.parametrize(("state", "sent"), [("Updating", 9), ("Succeeded", 4)])
def test_a_conflict_without_a_change_in_progress_is_repeated_a_few_times_only(
    state: str, sent: int, instant: None
) -> None:
    results: list[Any] = [in_state(state, 409, "Conflict")] * 8 + [Ended()]
    with pytest.raises(CloudError) if sent < 9 else nullcontext():
        run_operation(begun(results))
    assert 9 - len(results) == sent


def test_other_refusals_and_the_end_of_patience_are_raised(instant: None) -> None:
    other = CloudError("x", status=403)
    with pytest.raises(CloudError) as caught:
        run_operation(begun([other, Ended()]))
    assert caught.value is other
    with pytest.raises(CloudError) as caught:
        run_operation(begun([BUSY, Ended()]), busy_limit=0)
    assert caught.value is BUSY


def test_a_canceled_operation_is_restarted_three_times(instant: None) -> None:
    canceled = OperationFailed("OperationCanceled", "x")
    assert run_operation(begun([Ended(error=canceled)] * 3 + [Ended()])) == "made"
    left: list[Any] = [Ended(error=canceled)] * 4 + [Ended()]
    with pytest.raises(OperationFailed):
        run_operation(begun(left))
    assert len(left) == 1


def test_the_limit_and_a_stop_end_the_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CloudError) as caught:
        follow(Ended(10), limit=0)  # type: ignore[arg-type]
    assert caught.value.code == "TimeLimit" and "Creating" in caught.value.cause
    said: list[str] = []
    follow(Ended(3), working=said.append)  # type: ignore[arg-type]
    assert said == []
    monkeypatch.setattr(running, "WORKING_SECONDS", 0.0)
    follow(Ended(3), working=said.append)  # type: ignore[arg-type]
    assert said == ["it"] * 3

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow(Ended(3), check=stop)  # type: ignore[arg-type]


def test_the_pace_doubles_until_it_is_throttled_then_grows_by_one() -> None:
    pace = Pace(32)
    assert pace.limit == 8 and Pace(4).limit == 4
    for _ in range(8):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit == 16
    pace.leave(pace.enter())
    assert pace.limit == 16, "a failure that is no throttling changes nothing"
    first, second = pace.enter(), pace.enter()
    pace.leave(first, throttled=True)
    pace.leave(second, throttled=True)
    assert pace.limit == 8
    for _ in range(8):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit == 8
    for _ in range(2):
        pace.leave(pace.enter(), taken=True)
    assert pace.limit == 9
    for _ in range(6):
        pace.leave(pace.enter(), throttled=True)
    assert pace.limit == 1


def test_a_stop_lets_nobody_start_or_wait() -> None:
    pace = Pace(1)
    assert not pace.stopped
    pace.wait(0)
    pace.stop()
    assert pace.stopped
    for blocked in (pace.enter, lambda: pace.wait(60)):
        with pytest.raises(Cancelled):
            blocked()
