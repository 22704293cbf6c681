"""What is tried again because somebody else is changing the same resource, and what is not."""

from __future__ import annotations

import pytest

from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.http.conflicts import CANCELED_TRIES, busy, patiently

BUSY = CloudError(
    "Another operation holds the resource",
    "Cannot create a deployment in endpoint churn because it is in Updating provisioning state.",
    code="BadRequest",
    status=400,
)
CONFLICT = CloudError("Another operation holds the resource", "", code="Conflict", status=409)
TAKEN = CloudError(
    "The name is taken", "There is already an endpoint with the name churn.", code="Conflict", status=409
)
REFUSED = CloudError("Azure refused the request", "instanceType is not known.", code="BadRequest", status=400)
CANCELED = OperationFailed("OperationCanceled", "The operation was canceled by another operation that has a priority.")


@pytest.mark.parametrize(
    ("error", "again"), [(BUSY, True), (CONFLICT, True), (CANCELED, True), (TAKEN, False), (REFUSED, False)]
)
def test_only_what_passes_is_tried_again(error: CloudError, again: bool) -> None:
    assert busy(error) is again


def test_it_is_tried_until_it_works_and_each_wait_has_its_reason() -> None:
    waits: list[tuple[str, float]] = []
    answers = iter([BUSY, CONFLICT, None])

    def work() -> str:
        answer = next(answers)
        if answer is not None:
            raise answer
        return "done"

    assert patiently(work, lambda reason, seconds: waits.append((reason, seconds)), lambda: False) == "done"
    assert [seconds for _, seconds in waits] == sorted(seconds for _, seconds in waits)
    assert "Updating provisioning state" in waits[0][0]


def test_it_ends_at_the_limit_and_a_canceled_operation_is_begun_a_few_times_only() -> None:
    tried = 0

    def work() -> None:
        nonlocal tried
        tried += 1
        raise CANCELED

    with pytest.raises(OperationFailed):
        patiently(work, lambda reason, seconds: None, lambda: False)
    assert tried == CANCELED_TRIES
    tried = 0
    with pytest.raises(OperationFailed):
        patiently(work, lambda reason, seconds: None, lambda: True)
    assert tried == 1
