"""A long-running operation: when it has ended, when it is polled again, and why it failed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.http import operation
from tui.cloud.http.arm import Answer
from tui.cloud.http.operation import Operation
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy


class Script:
    """Resource Manager as an operation sees it: answers in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), []

    def ask(self, method: str, path: str, version: str | None = None, **options: Any) -> Answer:
        self.asked.append(path)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def call(self, *args: Any, **options: Any) -> Answer:
        return self.ask(*args)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_FIRST", 0.0)
    monkeypatch.setattr(operation, "_SHARE", 0.0)
    monkeypatch.setitem(POLICIES, "operation", RetryPolicy((0.0,)))


def state(name: str, status: int = 200) -> Answer:
    return Answer(status, {}, {"properties": {"provisioningState": name}})


def begun(started: Answer, *answers: Answer, deletes: bool = False) -> tuple[Operation[str], Script]:
    script = Script(*(answers or (Answer(500, {}, None),)))
    return Operation(script, started, "/r", "v", lambda: "made", "the thing", deletes), script  # type: ignore[arg-type]


ASYNC = {"Azure-AsyncOperation": "https://s/operations/1"}
AT = {"Location": "https://s/operations/1"}


@pytest.mark.parametrize(
    ("started", "done", "failed"),
    [
        (Answer(204, {}, None), True, False),
        (Answer(200, {}, None), True, False),
        (state("Succeeded"), True, False),
        (state("Succeeded", 201), True, False),
        (state("Updating"), False, False),
        (state("Failed"), True, True),
        (Answer(201, {}, None), False, False),
        (Answer(200, ASYNC, state("Succeeded").body), False, False),
        (Answer(201, ASYNC, state("Failed").body), False, False),
        (Answer(202, AT, None), False, False),
    ],
)
def test_an_operation_may_have_ended_when_it_is_accepted(started: Answer, done: bool, failed: bool) -> None:
    running, _ = begun(started, state("Updating"))
    assert running._done is done and (running._failure is not None) is failed


@pytest.mark.parametrize(
    ("started", "answers", "polls"),
    [
        (
            Answer(202, ASYNC, None),
            [Answer(200, {}, {"status": "Updating"}), Answer(200, {}, {"status": "Succeeded"})],
            2,
        ),
        (Answer(202, {"Operation-Location": "https://s/o"}, None), [Answer(200, {}, {"status": "Active"})], 1),
        (Answer(202, AT, None), [Answer(202, {}, None), Answer(204, {}, None)], 2),
        (Answer(202, AT, None), [Answer(200, {}, {"status": "Updating"}), Answer(200, {}, {"status": "Succeeded"})], 2),
        (Answer(202, AT, None), [state("Updating"), state("Succeeded")], 2),
        (state("Creating", 201), [state("Updating"), state("succeeded")], 2),
        (Answer(202, ASYNC, None), [Answer(200, {}, []), Answer(200, {}, {"status": "Succeeded"})], 2),
        (Answer(202, ASYNC, None), [Answer(404, {}, None), state("Succeeded")], 2),
        (Answer(202, AT, None), [Answer(404, {}, None), state("Succeeded")], 2),
        (Answer(202, ASYNC, None), [Answer(403, {}, None), state("Updating"), state("Succeeded")], 3),
        (Answer(202, ASYNC, None), [Answer(500, {}, None)] * 3 + [Answer(200, {}, {"status": "Succeeded"})], 4),
        (Answer(202, ASYNC, None), [Answer(401, {}, None)] * 3 + [Answer(200, {}, {"status": "Succeeded"})], 4),
    ],
)
def test_an_operation_is_polled_to_its_end(started: Answer, answers: list[Answer], polls: int) -> None:
    running, script = begun(started, *answers)
    assert running.result() == "made" and len(script.asked) == polls


@pytest.mark.parametrize(
    ("answers", "status"),
    [([Answer(401, {}, None)] * 4, 401), ([Answer(403, {}, None)] * 2, 403), ([Answer(400, {}, None)], 400),
     ([Answer(405, {}, None)], 405),
     ([Answer(401, {}, None)] * 3 + [Answer(500, {}, None)] + [Answer(403, {}, None)] * 2, 403)],
)  # fmt: skip
def test_a_refused_poll_ends_it(answers: list[Answer], status: int) -> None:
    running, script = begun(Answer(202, ASYNC, None), *answers)
    with pytest.raises(CloudError) as caught:
        running.result()
    assert caught.value.status == status and len(script.asked) == len(answers)


@pytest.mark.parametrize(("deletes", "ok"), [(True, True), (False, False)])
def test_a_resource_that_is_gone_ends_a_removal_only(deletes: bool, ok: bool) -> None:
    running, _ = begun(state("Deleting", 202), Answer(404, {}, None), deletes=deletes)
    if ok:
        assert running.result() == "made"
    else:
        with pytest.raises(CloudError):
            running.result()


@pytest.mark.parametrize("body", [None, "<html>Sign in to the proxy</html>", 7, {"properties": None}])
def test_a_removal_that_is_told_done_is_looked_for_at_the_resource(body: Any) -> None:
    gone, _ = begun(Answer(200, {}, body), Answer(404, {}, None), deletes=True)
    assert gone.result() == "made"
    there, _ = begun(Answer(200, {}, body), state("Deleting"), state("Succeeded"), deletes=True)
    with pytest.raises(CloudError, match="The thing did not happen") as caught:
        there.result()
    assert caught.value.code == "StillThere"


@pytest.mark.parametrize(("patience", "raised"), [(-1.0, True), (60.0, False)])
def test_silence_is_borne_for_a_while(monkeypatch: pytest.MonkeyPatch, patience: float, raised: bool) -> None:
    monkeypatch.setattr(operation, "_PATIENCE", patience)
    running, _ = begun(Answer(202, ASYNC, None), Answer(500, {}, None), Answer(200, {}, {"status": "Succeeded"}))
    if raised:
        with pytest.raises(CloudError):
            running.result()
    else:
        assert running.result() == "made"


@pytest.mark.parametrize(
    ("status", "outcome"), [("Failed", "Failed"), ("Canceled", "Canceled"), ("cancelled", "Canceled")]
)
@pytest.mark.parametrize(
    ("body", "resource", "code", "message"),
    [
        ({"error": {"code": "A", "message": "why"}}, {}, "A", "why"),
        ({}, {"error": {"code": "B", "message": "own"}}, "B", "own"),
        ({}, {"properties": {"error": {"code": "C", "message": "inner"}}}, "C", "inner"),
        ({}, {"properties": None}, None, "gave no reason"),
        ({"error": "text"}, [], None, "gave no reason"),
    ],
)
def test_a_failure_has_the_services_reason(
    status: str, outcome: str, body: dict[str, Any], resource: Any, code: str | None, message: str
) -> None:
    headers = {**ASYNC, "x-ms-request-id": "put"}
    failed = Answer(200, {"x-ms-request-id": "poll"}, {"status": status, **body})
    running, _ = begun(Answer(202, headers, None), failed, Answer(200, {}, resource))
    with pytest.raises(OperationFailed) as caught:
        running.result()
    assert (caught.value.outcome, caught.value.code) == (outcome, code) and message in caught.value.message
    assert caught.value.request_ids == ["put", "poll"] and caught.value.title.startswith("The thing")
    assert running.state == status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (ASYNC, ASYNC),
        ({"Operation-Location": "https://o"}, {"Operation-Location": "https://o"}),
        (AT, AT),
        ({**ASYNC, **AT}, ASYNC),
        ({"Location": "https://s/r"}, {}),
        ({"Location": "https://s/R/operations/1"}, {"Location": "https://s/R/operations/1"}),
        ({}, {}),
    ],
)
def test_another_process_can_follow_it(headers: dict[str, str], expected: dict[str, str]) -> None:
    running, _ = begun(Answer(202, headers, None), state("Updating"))
    assert running.started == expected


def test_the_service_may_wish_a_pause_and_a_wait_has_an_end() -> None:
    running, script = begun(
        Answer(202, {**ASYNC, "Retry-After": "3600"}, None), Answer(200, {}, {"status": "Succeeded"})
    )
    assert running.wait(0.01) is False and script.asked == []
    running._next = 0
    assert running.wait(0) is True and len(script.asked) == 1


@pytest.mark.parametrize(
    ("elapsed", "seconds"), [(0.0, 0.1), (3.0, 0.1), (10.0, 0.3), (33.0, 0.99), (34.0, 1.0), (1000.0, 1.0)]
)
def test_long_operations_are_polled_less_often(monkeypatch: pytest.MonkeyPatch, elapsed: float, seconds: float) -> None:
    monkeypatch.undo()
    running, _ = begun(Answer(202, ASYNC, None))
    monkeypatch.setattr(operation, "time", SimpleNamespace(monotonic=lambda: running._began + elapsed))
    assert running._until_next(Answer(200, {}, None)) == pytest.approx(seconds)
    assert running._until_next(Answer(200, {"Retry-After": "7"}, None)) == 7
