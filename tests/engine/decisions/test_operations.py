"""Azure's operations as a task sees them: what is recorded before and after, followed, waited for, and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, a_run, a_task
from tui.cloud.errors import CloudError, OperationFailed
from tui.common.redact import learn
from tui.engine.operations import carry_out, follow_begun, refuse, settle
from tui.engine.resume_state import Begun
from tui.engine.task_context import Stopped, TaskContext
from tui.plan.model import Limits
from tui.plan.planned_changes import Change

RESOURCE = "/e/churn"


class Ended:
    """An operation of Azure that has ended."""

    what, state = "the endpoint churn", "Succeeded"

    def __init__(self, started: dict[str, str] | None = None) -> None:
        self.started = started or {}

    def wait(self, seconds: float) -> bool:
        return True

    def result(self) -> str:
        return "made"


@pytest.fixture
def task(tmp_path: Path) -> TaskContext:
    return a_task(a_run(tmp_path), "endpoint")


def told(task: TaskContext) -> list[str]:
    return [event["event"] for event in task.run.journal.events]


def test_the_intent_is_recorded_before_the_request_and_the_operation_after_it(task: TaskContext) -> None:
    order: list[Any] = []

    def send() -> Any:
        order.append(("asked", told(task), task.asking))
        return Ended({"Azure-AsyncOperation": "https://o"})

    made = carry_out(task, "create", RESOURCE, send, lambda: order.append(("begun", told(task), task.asking)))
    assert made == "made"
    assert order == [
        ("asked", ["task_intent"], True),
        ("begun", ["task_intent", "task_operation"], False),
    ]
    (noted,) = task.run.journal.of("task_operation")
    assert (noted["header"], noted["url"], noted["resource_id"]) == ("Azure-AsyncOperation", "https://o", RESOURCE)


def test_an_address_that_echoes_a_secret_is_followed_but_not_recorded(task: TaskContext) -> None:
    learn("sesame-operation")
    started = {"Azure-AsyncOperation": "https://o?echo=sesame%2Doperation"}
    assert carry_out(task, "create", RESOURCE, lambda: Ended(started)) == "made"
    assert told(task) == ["task_intent"]


def test_without_a_journal_nothing_is_sent(task: TaskContext) -> None:
    task.run.journal.full = True
    with pytest.raises(CloudError) as caught:
        carry_out(task, "create", RESOURCE, lambda: pytest.fail("it was sent"))
    assert caught.value.code == "JournalNotWritable"


@pytest.mark.parametrize("firm", [False, True])
def test_a_stopped_run_sends_nothing_more_except_to_go_back(firm: bool, task: TaskContext) -> None:
    task.run.stop.set()
    task.firm = firm
    if firm:
        task.run.journal.full = True  # to go back twice does no harm
        assert carry_out(task, "change", RESOURCE, Ended) == "made"
        return
    with pytest.raises(Stopped):
        carry_out(task, "change", RESOURCE, lambda: pytest.fail("it was sent"))


def test_a_refused_request_is_answered(task: TaskContext) -> None:
    def send() -> Any:
        raise CloudError("Refused")

    with pytest.raises(CloudError):
        carry_out(task, "change", RESOURCE, send)
    assert not task.asking


@pytest.mark.parametrize(
    ("name", "limits", "seconds"),
    [
        ("endpoint", Limits(), 1800.0),
        ("deployment:green", Limits(), 5400.0),
        ("rollout", Limits(), 1200.0),
        ("rollout", Limits(traffic=7.0), 7.0),
        ("traffic", Limits(traffic=0), 0.0),
    ],
)
def test_an_operation_has_the_limit_of_its_task(
    name: str, limits: Limits, seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, float] = {}
    monkeypatch.setattr(
        "tui.cloud.http.run_operation.run_operation",
        lambda begin, limit, busy_limit, **more: given.update(limit=limit, busy=busy_limit),
    )
    carry_out(a_task(a_run(tmp_path, replace(PLAN, limits=limits)), name), "change", RESOURCE, Ended)
    assert given == {"limit": seconds, "busy": 5400.0}


# After an interruption


@pytest.mark.parametrize(
    ("begun", "done"),
    [
        (None, ""),
        (Begun("create", RESOURCE), ""),  # Azure's answer was not recorded
        (Begun("create", "/e/other", {"Location": "https://o"}), ""),
        (Begun("create", RESOURCE, {"Location": "https://o"}), "create"),
        (Begun("change", RESOURCE.upper(), {"Location": "https://o"}), "change"),
    ],
)
def test_an_operation_of_an_earlier_engine_is_followed(begun: Begun | None, done: str, task: TaskContext) -> None:
    if begun:
        task.run.begun["endpoint"] = begun
    followed: list[Any] = []

    def again(started: Any) -> Any:
        followed.append(started)
        return Ended()

    assert follow_begun(task, RESOURCE, again, "endpoint churn") == done
    assert followed == [{"Location": "https://o"}] * bool(done)


@pytest.mark.parametrize("status", [None, 403, 404, 409, 500])
def test_an_operation_that_azure_no_longer_knows_is_over(status: int | None, task: TaskContext) -> None:
    task.run.begun["endpoint"] = Begun("create", RESOURCE, {"Location": "https://o"})

    def again(started: Any) -> Any:
        raise CloudError("Refused", status=status)

    if status == 404:
        assert follow_begun(task, RESOURCE, again, "endpoint churn") == ""
        return
    with pytest.raises(CloudError):
        follow_begun(task, RESOURCE, again, "endpoint churn")


def test_an_operation_that_failed_meanwhile_is_a_failure(task: TaskContext) -> None:
    task.run.begun["endpoint"] = Begun("create", RESOURCE, {"Location": "https://o"})
    with pytest.raises(OperationFailed):
        follow_begun(task, RESOURCE, lambda started: Failed(), "endpoint churn")


class Failed(Ended):
    def result(self) -> str:
        raise OperationFailed("OutOfQuota", "none left")


# Somebody else's change


@pytest.mark.parametrize(
    ("states", "waited"),
    [
        ([None], 0),
        (["Succeeded"], 0),
        (["Failed"], 0),
        ([""], 0),
        (["Creating", "Updating", "Succeeded"], 2),
        (["Deleting", None], 1),
        (["Scaling", "Provisioning", "Failed"], 2),
    ],
)
def test_a_change_in_progress_is_waited_for(states: list[str | None], waited: int, task: TaskContext) -> None:
    sleeps: list[float] = []
    task.sleep = sleeps.append
    answers = [None if state is None else SimpleNamespace(provisioning_state=state) for state in states]
    last = answers[-1]
    assert settle(task, lambda: answers.pop(0), "endpoint churn") is last
    assert sleeps == [1] * waited
    assert bool(task.action) is bool(waited)
    assert len(task.run.journal.of("task_log")) == bool(waited), "it is said once"


def test_a_change_that_does_not_end_is_an_error_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tui.common.deadlines.time", clock)
    task = a_task(a_run(tmp_path, replace(PLAN, limits=Limits(settle=3))), "endpoint")
    task.sleep = clock.sleep
    with pytest.raises(CloudError) as caught:
        settle(task, lambda: SimpleNamespace(provisioning_state="Updating"), "endpoint churn")
    assert (caught.value.code, clock.now) == ("TimeLimit", 1004.0)
    assert "Updating" in caught.value.cause


@pytest.mark.parametrize(("refused", "raises"), [("", False), ("The size cannot be changed.", True)])
def test_a_change_that_azure_would_refuse_is_not_sent(refused: str, raises: bool) -> None:
    change = Change("deployment", "blue", "change", refused=refused)
    if not raises:
        refuse(change)
        return
    with pytest.raises(CloudError) as caught:
        refuse(change)
    assert (caught.value.code, caught.value.cause) == ("cannot-change", refused)
