"""The state of a run after each kind of event."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN  # noqa: F401  # its imports come first
from tui.engine.journal.run_view import RunView, seconds_of

NOON = "2026-01-02T12:00:00.500Z"


def event(kind: str, seq: int = 1, **fields: Any) -> dict[str, Any]:
    return {"event": kind, "seq": seq, "time": NOON, "run": "r-1", **fields}


def started(**more: Any) -> RunView:
    tasks = [{"name": "model", "typical_seconds": 5.0}, {"name": "rollout", "needs": ["model"]}]
    return RunView().fold(event("run_started", tasks=tasks, **more))


def log(line: str, seq: int = 2, task: str = "model") -> dict[str, Any]:
    return event("task_log", seq, task=task, line=line, source="engine")


def test_a_time_is_in_utc() -> None:
    assert seconds_of("1970-01-01T00:01:00Z") == 60.0
    assert seconds_of(NOON) % 1 == 0.5


def test_before_the_first_event() -> None:
    view = RunView()
    assert (view.seq, view.log_count, view.logs, view.status) == (0, 0, [], "starting")


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ({}, {"endpoint": "", "workspace": {}, "rehearsed": False, "deployments": (), "rollout": None, "log_path": ""}),
        ({"endpoint": "churn", "deployment": "blue", "rehearsed": True, "deployments": ["blue", "green"], "log": "/l",
          "workspace": {"name": "ws"}, "principal": "azure_cli"},
         {"endpoint": "churn", "deployment": "blue", "rehearsed": True, "deployments": ("blue", "green"),
          "log_path": "/l", "workspace": {"name": "ws"}, "principal": "azure_cli"}),
        ({"workspace": None, "deployments": None, "rehearsed": None},
         {"workspace": {}, "deployments": (), "rehearsed": False}),
    ],
)  # fmt: skip
def test_the_begin_of_a_run(more: dict[str, Any], shown: dict[str, Any]) -> None:
    view = started(**more)
    assert {key: getattr(view, key) for key in shown} == shown
    assert (view.run, view.status, view.seq, view.started) == ("r-1", "running", 1, seconds_of(NOON))
    assert [(task.name, task.needs, task.typical_seconds, task.status) for task in view.tasks] == [
        ("model", (), 5.0, "waiting"), ("rollout", ("model",), None, "waiting"),
    ]  # fmt: skip


def test_a_task_from_its_start_to_its_end() -> None:
    view = started().fold(event("task_started", task="model", action="create", detail="churn"))
    assert (view.task("model").status, view.task("model").detail, view.task("rollout").status) == (
        "running", "churn", "waiting",
    )  # fmt: skip
    view = view.fold(event("task_retrying", task="model", reason="busy"))
    assert view.task("model").retrying == "busy"
    view = view.fold(event("task_progress", task="model", done=0, total=9, unit="bytes"))
    assert (view.task("model").done, view.task("model").total, view.task("model").retrying) == (0, 9, "")
    view = view.fold(event("task_retrying", task="model", reason="busy"))
    result = {"scoring_uri": "https://s", "portal_url": "https://p", "principal": "me"}
    done = view.fold(event("task_finished", task="model", status="succeeded", seconds=1.5, result=result))
    task = done.task("model")
    assert (task.status, task.seconds, task.detail, task.retrying) == ("succeeded", 1.5, "churn", "")
    assert (done.scoring_uri, done.portal_url, done.principal) == ("https://s", "https://p", "me")
    bare = done.fold(event("task_finished", task="rollout", status="failed", detail="no", result=None))
    assert (bare.scoring_uri, bare.portal_url, bare.principal) == ("https://s", "https://p", "me")
    assert (bare.task("rollout").detail, bare.task("rollout").result) == ("no", {})


def test_a_task_that_the_run_does_not_have_is_waiting() -> None:
    assert RunView().task("model").status == "waiting"
    assert started().fold(event("task_started", task="nobody")).tasks == started().tasks


@pytest.mark.parametrize(
    ("status", "after"),
    [
        ("running", "waiting"), ("failed", "waiting"), ("cancelled", "waiting"),
        ("succeeded", "succeeded"), ("skipped", "skipped"),
    ],
)  # fmt: skip
def test_a_resumed_run_repeats_what_did_not_succeed(status: str, after: str) -> None:
    view = started().fold(event("task_started", task="model"))
    if status != "running":
        view = view.fold(event("task_finished", task="model", status=status, seconds=2.0))
    view = view.fold(event("needs_attention", task="model", card={"title": "T"}))
    view = view.fold(event("run_finished", status="failed", message="m"))
    view = view.fold(event("run_resumed"))
    assert (view.status, view.card, view.message, view.finished) == ("running", None, "", None)
    assert view.task("model").status == after
    assert (view.task("model").started is None) is (after == "waiting")


def test_the_end_of_a_run() -> None:
    view = started().fold(event("run_finished", status="succeeded", scoring_uri="https://s", test={"status_code": 200}))
    assert (view.status, view.scoring_uri, view.finished, view.left_behind) == (
        "succeeded", "https://s", seconds_of(NOON), (),
    )  # fmt: skip
    assert view.test == {"status_code": 200}
    again = view.fold(event("run_finished", scoring_uri=None, portal_url=None, left_behind=["endpoint churn"]))
    assert (again.status, again.scoring_uri, again.left_behind) == ("failed", "https://s", ("endpoint churn",))


@pytest.mark.parametrize(
    ("given", "card"),
    [({"task": "model", "card": {"title": "T"}}, {"task": "model", "title": "T"}), ({"card": None}, {"task": ""})],
)
def test_a_card_names_its_task(given: dict[str, Any], card: dict[str, Any]) -> None:
    assert started().fold(event("needs_attention", **given)).card == card


def test_findings_are_kept_in_order() -> None:
    view = started().fold(event("finding", id="a")).fold(event("finding", id="b"))
    assert [one["id"] for one in view.findings] == ["a", "b"]


@pytest.mark.parametrize(
    ("planned", "status", "events", "rolling"),
    [
        (True, "running", ["rollout_watch"], True),
        (True, "running", [], False),  # nothing was shifted yet
        (True, "succeeded", ["rollout_watch"], False),
        (True, "running", ["rollout_watch", "back"], False),
        (False, "running", ["rollout_watch"], True),  # a run that was begun without its plan's rollout
        (False, "running", [], False),
    ],
)
def test_a_rollout_can_be_rolled_back_while_it_shifts(
    planned: bool, status: str, events: list[str], rolling: bool
) -> None:
    view = started(**({"rollout": {"deployment": "green", "steps": [100]}} if planned else {}))
    assert (view.rollout is not None) is planned
    view = view.fold(event("task_started", task="rollout"))
    if status != "running":
        view = view.fold(event("task_finished", task="rollout", status=status))
    for kind in events:
        back = {"before": {}, "after": {}, "back": True}
        view = view.fold(event("traffic_shift", **back) if kind == "back" else event(kind, requests=1))
    assert view.rolling_out is rolling


# Log lines


def test_lines_belong_to_the_snapshot_that_read_them() -> None:
    first = started().fold(log("one"))
    second = first.fold(log("two", 3))
    assert (first.log_count, second.log_count, len(second.logs)) == (1, 2, 2)
    assert second.logs is first.logs, "thousands of lines are not copied"
    assert second.logs[1].line == "two" and second.logs[1].source == "engine"


@pytest.mark.parametrize(("lines", "last"), [(["a", "b"], "b"), (["a", " "], "a"), ([""], ""), ([], "")])
def test_the_last_line_that_says_something_is_shown(lines: list[str], last: str) -> None:
    given = [log(line, 2 + place) for place, line in enumerate(lines)]
    one_by_one = started()
    for each in given:
        one_by_one = one_by_one.fold(each)
    for view in (started().fold_all(given), one_by_one):
        assert (view.task("model").last_line, view.task("rollout").last_line) == (last, "")


def test_many_events_at_once_are_as_one_after_the_other() -> None:
    given = [
        log("a", 2), log("b", 3), event("task_started", 4, task="model"), log("c", 5), log("d", 6, "rollout"),
    ]  # fmt: skip
    at_once, one_by_one = started().fold_all(given), started()
    for each in given:
        one_by_one = one_by_one.fold(each)
    assert at_once == one_by_one
    assert (at_once.seq, at_once.log_count) == (6, 4)
    assert started().fold_all([]) == started()


def test_what_has_no_number_or_an_unknown_kind_changes_nothing() -> None:
    view = started()
    assert view.fold({"event": "of a later version"}) == view
    assert view.fold({}).seq == 1
    assert view.fold({"event": "task_log", "task": "model", "time": NOON}).seq == 1
