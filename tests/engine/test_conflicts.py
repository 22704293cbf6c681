"""What is tried again because somebody else is changing the same resource, and what is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.http.retry_policy import POLICIES
from tui.cloud.http.run_operation import busy, run_operation

BUSY = CloudError(
    "Another operation on the resource is in progress",
    "Cannot create a deployment in endpoint churn because it is in Updating provisioning state.",
    code="BadRequest",
    status=400,
)
CONFLICT = CloudError("Another operation on the resource is in progress", "", code="Conflict", status=409)
TAKEN = CloudError(
    "The name is taken", "There is already an endpoint with the name churn.", code="Conflict", status=409
)
TAKEN.state = "absent"
REFUSED = CloudError("Azure refused the request", "instanceType is not known.", code="BadRequest", status=400)
CANCELED = OperationFailed("OperationCanceled", "The operation was canceled by another operation that has a priority.")


@pytest.mark.parametrize(
    ("error", "again"), [(BUSY, True), (CONFLICT, True), (CANCELED, True), (TAKEN, False), (REFUSED, False)]
)
def test_only_what_passes_is_tried_again(error: CloudError, again: bool) -> None:
    assert busy(error) is again


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, "conflict", replace(POLICIES["conflict"], delays=(0.0, 0.01)))


class Ended:
    """An operation that Azure has ended at once: with what it made, or a failure."""

    what, state = "the endpoint churn", "Succeeded"

    def __init__(self, failure: Exception | None = None) -> None:
        self._failure = failure

    def wait(self, seconds: float) -> bool:
        return True

    def result(self) -> str:
        if self._failure is not None:
            raise self._failure
        return "done"


def test_it_is_tried_until_it_works_and_each_wait_has_its_reason() -> None:
    waits: list[tuple[str, float]] = []
    answers = iter([BUSY, CONFLICT, None])

    def begin() -> Any:
        answer = next(answers)
        if answer is not None:
            raise answer
        return Ended()

    assert run_operation(begin, waiting=lambda reason, seconds: waits.append((reason, seconds))) == "done"
    assert [seconds for _, seconds in waits] == sorted(seconds for _, seconds in waits)
    assert "Updating provisioning state" in waits[0][0]


def test_it_ends_at_the_limit_and_a_canceled_operation_is_begun_a_few_times_only() -> None:
    tried = 0

    def begin() -> Any:
        nonlocal tried
        tried += 1
        return Ended(CANCELED)

    with pytest.raises(OperationFailed):
        run_operation(begin)
    assert tried == POLICIES["conflict"].tries
    tried = 0
    with pytest.raises(OperationFailed):
        run_operation(begin, busy_limit=-1.0)
    assert tried == 1


def test_the_wish_to_stop_ends_the_waiting_for_somebody_elses_change() -> None:
    def begin() -> Any:
        raise BUSY

    def check() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        run_operation(begin, check=check)


def test_each_operation_has_a_limit_and_its_error_names_it() -> None:
    class Endless(Ended):
        def wait(self, seconds: float) -> bool:
            return False

    with pytest.raises(CloudError) as caught:
        run_operation(lambda: Endless(), limit=-1.0)  # type: ignore[arg-type, return-value]
    assert caught.value.code == "TimeLimit"
    assert "the endpoint churn" in caught.value.title
