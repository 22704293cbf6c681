"""What a task reports to the journal, which reports are dropped, and which errors are waited out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, Notes, a_run, a_task
from tui.cloud.errors import CloudError
from tui.engine import outage_retry, time_limits
from tui.engine.container_log import LogFollower, Tail, parse
from tui.engine.journal.journal import JournalWriter
from tui.engine.outage_retry import through_outages
from tui.engine.resume_state import Shift, resume_state
from tui.engine.task_context import Outcome, Run, Stopped, TaskContext
from tui.plan.model import Deployment, Limits


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return a_run(tmp_path)


def notes(run: Run) -> Notes:
    return run.journal


# Reports


def test_a_task_starts_once_and_ends_once(run: Run) -> None:
    task = a_task(run, "model")
    task.start("create", "churn")
    task.start("skip")
    assert task.finish("succeeded", Outcome("churn:1", {"id": 1}))
    assert not task.finish("cancelled", Outcome())
    task.log("too late")
    assert [event["event"] for event in notes(run).events] == ["task_started", "task_finished"]
    assert (notes(run).events[0]["action"], notes(run).events[1]["status"]) == ("create", "succeeded")


@pytest.mark.parametrize(("status", "action"), [("skipped", "skip"), ("succeeded", "read"), ("failed", "read")])
def test_a_task_that_told_nothing_is_shown_as_started(status: str, action: str, run: Run) -> None:
    a_task(run, "model").finish(status, Outcome())
    assert notes(run).events[0]["action"] == action


def test_a_resource_is_created_once(run: Run) -> None:
    task = a_task(run, "model")
    for name in ("m:1", "m:1", "m:2"):
        task.created("model", name)
    assert run.created == [("model", "m:1"), ("model", "m:2")]


def test_a_task_belongs_to_its_deployment(tmp_path: Path) -> None:
    plan = replace(PLAN, deployments=(Deployment(name="blue"), Deployment(name="green")))
    run = a_run(tmp_path, plan, results={"model": {"id": "shared"}, "model:blue": {"id": "of blue"}, "code": {}})
    blue, green, alone = a_task(run, "model:blue", "blue"), a_task(run, "x:green", "green"), a_task(run, "test")
    assert (blue.kind, blue.plan.deployment.name, green.plan.deployment.name) == ("model", "blue", "green")
    assert (blue.result("model", "id"), green.result("model", "id"), alone.result("code", "id")) == (
        "of blue", "shared", None,
    )  # fmt: skip
    assert run.result("nobody", "id") is None
    assert blue.cloud is not run.cloud and alone.cloud is run.cloud


@pytest.mark.parametrize(("more", "back"), [({}, False), ({"back": True}, True), ({"back": False}, False)])
def test_the_split_before_the_run_is_kept_through_all_its_shifts(more: dict[str, Any], back: bool, run: Run) -> None:
    task = a_task(run)
    task.shifting({"blue": 100}, {"blue": 90, "green": 10}, "one")
    task.shifting({"blue": 90, "green": 10}, {"green": 100}, "two", **more)
    assert run.shift == Shift({"blue": 100}, {"green": 100}, back, "two")


def test_waiting_ends_with_the_wish_to_stop(run: Run) -> None:
    task = a_task(run)
    task.sleep(0)
    task.check_stop()
    run.stop.set()
    for ends in (task.check_stop, lambda: task.sleep(60)):
        with pytest.raises(Stopped):
            ends()


@pytest.mark.parametrize(
    ("name", "minutes"),
    [("endpoint", 30), ("deployment", 90), ("traffic", 20), ("settle", 90), ("upload", 360), ("test", 0.5)],
)
def test_a_plan_without_limits_has_azures(name: str, minutes: float) -> None:
    assert time_limits.limit(PLAN, name) == minutes * 60
    assert time_limits.limit(replace(PLAN, limits=Limits(**{name: 7})), name) == 7.0
    assert time_limits.limit(replace(PLAN, limits=Limits(**{name: 0})), name) == 0.0


# Outages

UNREACHABLE = CloudError("No answer", "management.azure.com does not answer.", code="Unreachable")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (CloudError("x", status=429), True),
        (CloudError("x", status=502), True),
        (CloudError("x", status=503, code="ServerBusy"), True),
        (CloudError("x", status=504), True),
        (CloudError("x", status=503, code="scoring-503"), False),  # the endpoint's own answer
        (CloudError("x", status=500), False),
        (CloudError("x", status=501), False),
        (CloudError("x", status=428), False),
        (CloudError("x", status=430), False),
        (CloudError("x", status=505), False),
        (CloudError("x"), False),
        (UNREACHABLE, True),
        (CloudError("No answer", "It is away.", raw="GET https://management.azure.com", code="Unreachable"), True),
        (CloudError("No answer", "login.microsoftonline.com is away.", code="Unreachable"), True),
        (CloudError("No answer", "churn.inference.ml.azure.com", code="Unreachable"), False),
        (CloudError("No answer", "management.azure.com: the Certificate expired", code="Unreachable"), False),
        (CloudError("No answer", "management.azure.com", code="A"), False),
        (CloudError("No answer", "management.azure.com", code="Z"), False),
        (CloudError("No answer", "management.azure.com"), False),
    ],
)
def test_only_an_outage_of_resource_manager_is_waited_out(
    error: CloudError, passes: bool, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = a_task(run, "model")
    monkeypatch.setattr(task, "sleep", lambda seconds: None)
    (run.folder / "journal").mkdir()
    answers: list[Any] = [error, Outcome("done")]

    def work(context: TaskContext) -> Outcome:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    if passes:
        assert through_outages(task, work).detail == "done"
        assert notes(run).of("task_retrying")[0]["delay"] == 5.0
        return
    with pytest.raises(CloudError):
        through_outages(task, work)


def test_without_an_address_no_error_is_an_outage(run: Run) -> None:
    run.cloud.metadata.resource_manager = run.cloud.metadata.login = ""
    with pytest.raises(CloudError):
        through_outages(a_task(run, "model"), lambda task: (_ for _ in ()).throw(UNREACHABLE))


@pytest.mark.parametrize("name", ["sign-in", "workspace"])
def test_the_first_tasks_tell_an_outage_at_once(name: str, run: Run) -> None:
    with pytest.raises(CloudError):
        through_outages(a_task(run, name), lambda task: (_ for _ in ()).throw(CloudError("x", status=503)))
    assert notes(run).of("task_retrying") == []


def test_an_outage_is_waited_for_ten_minutes_with_growing_pauses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tui.common.deadlines.time", clock)
    task = a_task(run, "model")
    sleeps: list[float] = []
    monkeypatch.setattr(task, "sleep", lambda seconds: (sleeps.append(seconds), clock.sleep(seconds)))
    with pytest.raises(CloudError):
        through_outages(task, lambda task: (_ for _ in ()).throw(CloudError("x", status=503)))
    assert [event["delay"] for event in notes(run).of("task_retrying")][:5] == [5.0, 10.0, 20.0, 30.0, 30.0]
    assert set(sleeps) == {1}, "the wish to stop is heeded each second"
    assert 600 < clock.now - 1000 <= 635


def test_after_an_outage_what_was_begun_is_known(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JournalWriter(run.folder, "r-1")
    writer.emit("task_intent", task="endpoint", operation="create", resource_id="/e/churn")
    writer.close()
    task = a_task(run, "endpoint")
    monkeypatch.setattr(task, "sleep", lambda seconds: None)
    known: list[bool] = []

    def work(context: TaskContext) -> Outcome:
        known.append("endpoint" in run.begun)
        if len(known) == 1:
            raise CloudError("x", status=503)
        return Outcome()

    through_outages(task, work)
    assert known == [False, True]
    assert outage_retry.GATES == ("sign-in", "workspace")


# What an interrupted run had begun


def events(*given: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"seq": number, "event": kind, **fields} for number, (kind, fields) in enumerate(given, 1)]


def intent(task: str, operation: str = "create", resource: str = "/e/churn") -> tuple[str, dict[str, Any]]:
    return "task_intent", {"task": task, "operation": operation, "resource_id": resource}


@pytest.mark.parametrize(
    ("given", "created"),
    [
        ([intent("endpoint")], [("endpoint", "churn")]),
        ([intent("deployment:green", resource="/e/churn/deployments/green")], [("deployment", "green")]),
        ([intent("endpoint", "change")], []),
        ([intent("endpoint", "a")], []),
        ([intent("endpoint", "z")], []),
        ([intent("model", "create")], []),  # models are told when they are registered
        ([intent("endpoint"), intent("endpoint")], [("endpoint", "churn")]),
        ([intent("endpoint"), ("task_created", {"kind": "endpoint", "name": "churn"})], [("endpoint", "churn")]),
        ([intent("endpoint"), ("task_removed", {"kind": "endpoint", "name": "other"})], [("endpoint", "churn")]),
        ([intent("endpoint"), ("task_removed", {"kind": "endpoint", "name": "churn"})], []),
    ],
)
def test_what_the_run_may_have_created(given: Any, created: list[tuple[str, str]]) -> None:
    assert resume_state(events(*given)).created == created


@pytest.mark.parametrize(
    ("status", "open_"),
    [("succeeded", False), ("skipped", False), ("failed", False), ("cancelled", True), (None, True)],
)
def test_a_stopped_task_may_go_on_in_azure(status: str | None, open_: bool) -> None:
    found = resume_state(events(intent("endpoint"), ("task_finished", {"task": "endpoint", "status": status})))
    assert bool(found.begun) is open_


@pytest.mark.parametrize("name", ["deployment", "deployment:green"])
def test_what_was_removed_is_not_followed(name: str) -> None:
    gone = ("task_removed", {"kind": "deployment", "name": "green"})
    other = intent("deployment:blue", resource="/e/churn/deployments/blue")
    assert set(resume_state(events(intent(name, resource="/d/green"), other, gone)).begun) == {"deployment:blue"}


def test_an_operation_belongs_to_an_intent() -> None:
    named = ("task_operation", {"task": "endpoint", "header": "Location", "url": "https://o"})
    assert resume_state(events(named)).begun == {}
    assert resume_state(events(intent("endpoint"), named)).begun["endpoint"].started == {"Location": "https://o"}


@pytest.mark.parametrize(("more", "back"), [({}, False), ({"back": True, "why": "w"}, True)])
def test_the_last_shift_counts(more: dict[str, Any], back: bool) -> None:
    first = ("traffic_shift", {"before": {"blue": 100}, "after": {"green": 10}})
    last = ("traffic_shift", {"before": {"blue": 100}, "after": {"green": 20}, **more})
    found = resume_state(events(first, last)).shift
    assert found == Shift({"blue": 100}, {"green": 20}, back, more.get("why", ""))
    assert resume_state([]).shift is None


# The log of a container


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], ["a"], ["a"]),
        (["a"], [], []),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["b", "c"], ["c"]),
        (["a", "b"], ["a"], ["a"]),  # a log that begins anew
        (["a", "a"], ["a", "a", "a"], ["a"]),
        (["a"], ["b", "a"], ["b", "a"]),  # what was seen is not at the begin: all is new
        (["a"], ["a", "", "b", "", ""], ["", "b"]),
    ],
)
def test_new_lines_follow_what_was_seen(before: list[str], now: list[str], new: list[str]) -> None:
    tail = Tail()
    tail.new(before)
    assert tail.new(now) == new


def test_the_tails_of_several_instances_are_told_apart() -> None:
    tail = Tail()
    assert (tail.new(["a1", "a2"]), tail.gap) == (["a1", "a2"], False)
    assert (tail.new(["b1", "b2"]), tail.gap) == (["b1", "b2"], True), "another instance, or too many lines"
    assert (tail.new(["a2", "a3"]), tail.gap) == (["a3"], False)
    assert (tail.new(["b1", "b2", "b3"]), tail.gap) == (["b3"], False)
    assert (tail.new([]), tail.gap) == ([], False)
    assert (tail.new(["c"]), tail.gap) == (["c"], True)


def test_the_parts_of_an_answer() -> None:
    found = parse("Instance status:\nRunning \nContainer events:\ne\nContainer logs:\nl1\nContainer events:\nl2")
    assert (found.status, found.events, found.lines) == (["Running"], ["e"], ["l1", "Container events:", "l2"])
    plain = parse("x\nInstance status:\ny")
    assert (plain.status, plain.lines) == ([], ["x", "Instance status:", "y"]), "a heading within a log is a line of it"


EVENT = "Kind: Pod, Name: Pulled, Type: {type}, Time: t, Message: done, whole"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (EVENT.format(type="Normal"), "Pulled: done, whole"),
        (EVENT.format(type="Warning"), "Warning: Pulled: done, whole"),
        (EVENT.format(type="A"), "A: Pulled: done, whole"),
        ("Name: Pulled, Type: Normal", "Name: Pulled, Type: Normal"),
        ("Type: Normal, Message: m", "Type: Normal, Message: m"),
        ("of another form", "of another form"),
    ],
)
def test_an_event_in_words(line: str, shown: str) -> None:
    text = f"Instance status:\n\nContainer events:\n{line}\n\nContainer logs:\n"
    assert LogFollower("inference-server").new(text) == [("service", shown)]


def test_status_and_events_are_told_by_one_container_only() -> None:
    text = "Instance status:\nRunning\nContainer events:\ne\nContainer logs:\nl"
    assert LogFollower("storage-initializer").new(text) == [("storage-initializer", "l")]
    assert LogFollower("inference-server").new(text) == [("service", "Running"), ("service", "e"), ("container", "l")]
    assert LogFollower("z-other").new(text) == [("z-other", "l")]
