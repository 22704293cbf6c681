"""The graph of tasks: what each needs, what runs when, and what a failure or a stop leaves undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, a_run
from tui.cloud.errors import CloudError
from tui.common.deadlines import AwakeDeadline
from tui.engine import task_graph
from tui.engine.leftovers import stopped_message
from tui.engine.task_context import Outcome, Run, Stopped, TaskContext
from tui.engine.task_graph import Task, run_tasks, unless_stopped
from tui.engine.tasks import tasks_of
from tui.engine.tasks.traffic import change
from tui.plan.autoscale import Autoscale
from tui.plan.model import Deployment, Plan, Rollout

BOTH = replace(PLAN, deployments=(Deployment(name="blue"), Deployment(name="green")))


def needs(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {task.name: task.needs for task in tasks_of(plan)}


# The tasks of a plan


def test_the_tasks_of_one_deployment() -> None:
    assert needs(PLAN) == {
        "sign-in": (),
        "workspace": ("sign-in",),
        "endpoint": ("workspace",),
        "model": ("workspace",),
        "code": ("workspace",),
        "environment": ("workspace",),
        "deployment": ("endpoint", "model", "code", "environment"),
        "traffic": ("deployment",),
        "test": ("traffic",),
    }
    assert {task.deployment for task in tasks_of(PLAN)} == {None}


def test_assets_of_several_deployments_are_registered_one_after_the_other() -> None:
    """Both may have the same model, which is registered once."""
    found = needs(BOTH)
    assert list(found)[3:] == [
        "model:blue", "model:green", "code:blue", "code:green", "environment:blue", "environment:green",
        "deployment:blue", "deployment:green", "traffic", "test",
    ]  # fmt: skip
    for kind in ("model", "code", "environment"):
        assert (found[f"{kind}:blue"], found[f"{kind}:green"]) == (("workspace",), (f"{kind}:blue",))
    assert found["deployment:green"] == ("endpoint", "model:green", "code:green", "environment:green")
    assert found["traffic"] == ("deployment:blue", "deployment:green")
    assert {task.name: task.deployment for task in tasks_of(BOTH)}["model:green"] == "green"


def test_rules_are_set_after_their_deployment_and_before_any_traffic() -> None:
    scaled = replace(BOTH.deployments[1], autoscale=Autoscale(1, 2))
    found = needs(replace(BOTH, deployments=(BOTH.deployments[0], scaled)))
    assert [name for name in found if name.startswith("autoscale")] == ["autoscale:green"]
    assert found["autoscale:green"] == ("deployment:green",)
    assert found["traffic"] == ("deployment:blue", "deployment:green", "autoscale:green")
    alone = needs(replace(PLAN, deployment=replace(PLAN.deployment, autoscale=Autoscale(1, 2))))
    assert (alone["autoscale"], alone["traffic"]) == (("deployment",), ("deployment", "autoscale"))
    rollout = replace(BOTH, deployments=(BOTH.deployments[0], scaled), rollout=Rollout("green"))
    assert "autoscale:green" in needs(rollout)["test:green"]


@pytest.mark.parametrize(
    ("mirrored", "watched"),
    [({}, 300 * 3 + 30), ({"green": 10}, 300 * 4 + 30), ({"green": 10, "red": 5}, 300 * 4 + 30)],
)
def test_with_a_rollout_the_new_deployment_is_tested_alone_first(mirrored: dict[str, int], watched: float) -> None:
    plan = replace(BOTH, rollout=Rollout("green"), mirror_traffic=mirrored)
    found = needs(plan)
    assert "traffic" not in found
    assert found["test:green"] == ("deployment:blue", "deployment:green")
    assert (found["rollout"], found["test"]) == (("test:green",), ("rollout",))
    assert {task.name: task.typical_seconds for task in tasks_of(plan)}["rollout"] == watched


@pytest.mark.parametrize(
    ("seconds", "speed", "shown"),
    [(480.0, 1.0, 480.0), (480.0, 20.0, 24.0), (480.0, None, None), (None, 1.0, None), (None, None, None)],
)
def test_typical_times_are_those_of_the_services_speed(
    seconds: float | None, speed: float | None, shown: float | None
) -> None:
    task = Task("model", ("workspace",), lambda context: Outcome(), seconds)
    assert task.as_dict(speed) == {"name": "model", "needs": ["workspace"], "typical_seconds": shown}


# Running them


def does(outcome: Outcome | Exception | Callable[[TaskContext], Outcome]) -> Callable[[TaskContext], Outcome]:
    def work(context: TaskContext) -> Outcome:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome if isinstance(outcome, Outcome) else outcome(context)

    return work


def ends(run: Run) -> dict[str, str]:
    return {event["task"]: event["status"] for event in run.journal.of("task_finished")}


def graph(**tasks: Any) -> list[Task]:
    """Tasks in a row, each needing the one before."""
    names = list(tasks)
    return [Task(name, tuple(names[place - 1 : place]), does(tasks[name])) for place, name in enumerate(names)]


def test_tasks_end_in_order_with_their_results(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    tasks = graph(a=Outcome("done", {"id": 1}), b=Outcome("there", {"id": 2}, skipped=True), c=Outcome())
    assert run_tasks(run, tasks) is None
    assert ends(run) == {"a": "succeeded", "b": "skipped", "c": "succeeded"}
    assert list(ends(run)) == ["a", "b", "c"]
    assert run.results == {"a": {"id": 1}, "b": {"id": 2}, "c": {}}


def test_tasks_that_need_nothing_of_each_other_run_together(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def meet(context: TaskContext) -> Outcome:
        together.wait(30)
        return Outcome()

    assert run_tasks(a_run(tmp_path), [Task(name, (), meet) for name in "abc"]) is None


def test_results_of_earlier_tasks_count_as_done(tmp_path: Path) -> None:
    run = a_run(tmp_path, results={"workspace": {}})
    assert run_tasks(run, [Task("model", ("workspace",), does(Outcome()))]) is None
    assert ends(run) == {"model": "succeeded"}


def test_a_task_whose_need_is_never_met_does_not_hang(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    assert run_tasks(run, [Task("model", ("nobody",), does(Outcome()))]) is None
    assert ends(run) == {}


def test_the_first_failure_ends_the_run(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    wrong = CloudError("Refused")
    failure = run_tasks(run, graph(a=Outcome(), b=wrong, c=Outcome()))
    assert failure is not None and (failure.task, failure.error) == ("b", wrong)
    assert ends(run) == {"a": "succeeded", "b": "failed"}
    assert run.stop.is_set() and "b" not in run.results


def test_a_failure_stops_the_others_which_are_no_failures(tmp_path: Path) -> None:
    run = a_run(tmp_path)

    def until_stopped(context: TaskContext) -> Outcome:
        context.sleep(60)
        return Outcome()

    failure = run_tasks(run, [Task("a", (), until_stopped), Task("b", (), does(ValueError("wrong")))])
    assert failure is not None and failure.task == "b"
    assert ends(run) == {"a": "cancelled", "b": "failed"}


def test_a_run_that_was_stopped_before_has_no_failure_and_starts_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.stop.set()
    assert run_tasks(run, graph(a=Outcome())) is None
    assert ends(run) == {}


def test_a_stopped_task_is_no_failure(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    assert run_tasks(run, graph(a=Stopped(), b=Outcome())) is None
    assert ends(run) == {"a": "cancelled"}


@pytest.mark.parametrize(("asking", "limit"), [(False, "STOP_SECONDS"), (True, "ANSWER_SECONDS")])
def test_a_task_that_does_not_stop_is_waited_for_only_while_a_change_is_unanswered(
    asking: bool, limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other limit is so long that waiting for it would not end."""
    for name in ("STOP_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(task_graph, name, 0.05 if name == limit else 3600.0)
    run = a_run(tmp_path)
    release = threading.Event()

    def stubborn(context: TaskContext) -> Outcome:
        context.asking = asking
        run.stop.set()
        release.wait(60)
        return Outcome()

    assert run_tasks(run, [Task("a", (), stubborn)]) is None
    assert ends(run) == {"a": "cancelled"}
    release.set()


@pytest.mark.parametrize("limit", [3600.0, 0.2])
def test_a_roll_back_that_first_gets_409_is_completed_after_a_stop_or_told(
    limit: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit the run ends and says which command completes it."""
    monkeypatch.setattr(task_graph, "STOP_SECONDS", 0.05)
    monkeypatch.setattr(task_graph, "ANSWER_SECONDS", 0.05)
    monkeypatch.setattr(task_graph, "RESTORE_SECONDS", limit)
    monkeypatch.setattr("tui.cloud.http.run_operation.delay", lambda *_: 1.0)
    run = a_run(tmp_path)
    sent: list[Any] = []
    again = threading.Event()

    def begin_set(cloud: Any, name: str, wanted: dict[str, int], *_: Any) -> Any:
        sent.append(wanted)
        if len(sent) == 1:
            run.stop.set()
            raise CloudError("Busy", code="Conflict", status=409)
        again.set()
        return SimpleNamespace(started={}, wait=lambda seconds: True, result=lambda: None)

    monkeypatch.setattr("tui.cloud.endpoints.traffic.begin_set", begin_set)

    def work(context: TaskContext) -> Outcome:
        change(context, {"blue": 100}, {"blue": 100}, "too slow", mirrored={}, back=True)
        return Outcome()

    assert run_tasks(run, [Task("rollout", (), work)]) is None
    assert (len(sent), ends(run)) == ((2, {"rollout": "succeeded"}) if limit > 1 else (1, {"rollout": "cancelled"}))
    said = stopped_message(run, [], rehearsed=False, cleaned=False)
    assert ("aml-deploy traffic churn blue=100" in said) is (limit < 1)
    assert again.wait(60), "the abandoned thread ends inside this test"


def test_an_answer_that_comes_in_time_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_graph, "STOP_SECONDS", 0.0)
    run = a_run(tmp_path)

    def slow(context: TaskContext) -> Outcome:
        context.asking = True
        run.stop.set()
        threading.Event().wait(0.3)
        return Outcome("made")

    assert run_tasks(run, [Task("a", (), slow)]) is None
    assert ends(run) == {"a": "succeeded"}


def test_a_failing_run_waits_for_the_others_to_tell_their_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_graph, "STOP_SECONDS", 0.0)
    run = a_run(tmp_path)

    def slow(context: TaskContext) -> Outcome:
        run.stop.wait(30)
        threading.Event().wait(0.3)
        return Outcome("made")

    failure = run_tasks(run, [Task("a", (), slow), Task("b", (), does(ValueError()))])
    assert failure is not None and failure.task == "b"
    assert ends(run) == {"a": "succeeded", "b": "failed"}


@pytest.mark.parametrize(("seconds", "code"), [(-1.0, "TimeLimit"), (3600.0, None)])
def test_the_time_of_the_whole_run(seconds: float, code: str | None, tmp_path: Path) -> None:
    run = a_run(tmp_path, time=AwakeDeadline(seconds))
    failure = run_tasks(run, graph(a=Outcome(), b=Outcome()))
    assert (failure and failure.error.code) == code
    assert failure is None or (failure.task == "a" and "a, b" in failure.error.cause)
    assert bool(ends(run)) is (code is None)


def test_without_a_journal_nothing_is_begun(tmp_path: Path) -> None:
    run = a_run(tmp_path)
    run.journal.full = True
    failure = run_tasks(run, graph(a=Outcome()))
    assert failure is not None and failure.error.code == "JournalNotWritable"
    assert ends(run) == {}


def test_waiting_ends_when_the_run_is_asked_to_stop() -> None:
    stop = threading.Event()
    assert unless_stopped(stop, lambda: 7) == 7
    stop.set()
    with pytest.raises(Stopped):
        unless_stopped(stop, lambda: threading.Event().wait(60))
