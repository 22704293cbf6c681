"""What the tasks of earlier runs took: which runs are compared with, and files that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui.engine.journal.run_view import RunView, TaskView
from tui.engine.journal.runs import Run, read
from tui.engine.journal.usual_times import FILE, MOST_RUNS, Times, earlier, keep, usual

pytestmark = pytest.mark.smoke

WHERE = {"subscription_id": "1", "resource_group": "rg", "name": "ws"}
VIEW = RunView(workspace=WHERE, tasks=(TaskView("endpoint", typical_seconds=9.0),))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    return tmp_path


def made(home: Path, hour: int, seconds: float | None = None, *, where: dict[str, str] = WHERE,
         pace: float | None = 9.0, **about: Any) -> Run:  # fmt: skip
    """A run of the day, with the time of its task `model` if it has any."""
    folder = home / "runs" / f"20261121-{hour:02}0000-ab12"
    folder.mkdir(parents=True)
    known = {"run": folder.name, "endpoint": "churn", "deployment": "blue", "started": f"2026-11-21T{hour:02}:00:00Z",
             "rehearsed": False, **about}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(known), encoding="utf-8")
    if seconds is not None:
        keep(folder, Times({"model": ("create", seconds)}, where, pace))
    run = read(folder)
    assert run is not None
    return run


def compared(run: Run) -> list[float]:
    return [times.tasks["model"][1] for times in earlier(run, VIEW)]


def test_only_earlier_runs_of_the_same_endpoint_in_the_same_workspace_count(home: Path) -> None:
    made(home, 1, 1.0)
    made(home, 2, 2.0, endpoint="other")
    made(home, 3, 3.0, rehearsed=True)
    made(home, 4, 4.0, where={**WHERE, "name": "elsewhere"})
    made(home, 5, 5.0, where={**WHERE, "resource_group": "RG"})
    made(home, 6)
    made(home, 7, 7.0, pace=None)
    now = made(home, 8, 8.0)
    made(home, 9, 9.0)
    assert compared(now) == [7.0, 5.0, 1.0], "in Azure the pace does not matter"


def test_rehearsals_of_another_speed_do_not_count(home: Path) -> None:
    made(home, 1, 1.0, rehearsed=True)
    made(home, 2, 2.0, rehearsed=True, pace=None)
    made(home, 3, 3.0, rehearsed=True, pace=90.0)
    made(home, 4, 4.0)
    assert compared(made(home, 5, rehearsed=True)) == [1.0]


def test_only_the_last_runs_count(home: Path) -> None:
    for hour in range(1, MOST_RUNS + 4):
        made(home, hour, float(hour))
    assert compared(made(home, 20)) == [float(hour) for hour in range(MOST_RUNS + 3, 3, -1)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"tasks": 1, "workspace": {}, "pace": 1}', '{"tasks": {"model": 3}, "workspace": {}, "pace": 1}',
     '{"tasks": {"model": ["create", "x"]}, "workspace": {}, "pace": 1}', '{"tasks": {}, "workspace": 2, "pace": 1}',
     '{"tasks": {}, "workspace": {}, "pace": []}'],
)  # fmt: skip
def test_a_file_that_is_none_is_passed_over(home: Path, text: str) -> None:
    made(home, 1, 1.0)
    (made(home, 2).folder / FILE).write_text(text, encoding="utf-8")
    assert compared(made(home, 3)) == [1.0]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e308, -1.0])
def test_a_time_that_nobody_measured_is_passed_over(home: Path, seconds: float) -> None:
    made(home, 1, 1.0)
    made(home, 2, seconds)
    assert compared(made(home, 3)) == [1.0]


def test_what_cannot_be_kept_does_not_fail_a_run(tmp_path: Path) -> None:
    keep(tmp_path / "gone", Times({}, WHERE, None))


def test_a_task_is_compared_with_those_that_did_the_same() -> None:
    before = [
        Times({"deployment:blue": ("create", 400.0), "rollout": ("change", 60.0)}, WHERE, None),
        Times({"deployment": ("create", 480.0)}, WHERE, None),
        Times({"deployment:green": ("change", 90.0)}, WHERE, None),
    ]
    changing = TaskView("deployment:green", status="running", action="change")
    assert usual(changing, before) == (90.0, 90.0, 90.0, 1)
    assert usual(TaskView("deployment"), before) == (440.0, 400.0, 480.0, 2), "before it starts: what it did most"
    assert usual(TaskView("deployment", status="running", action="read"), before) == (440.0, 400.0, 480.0, 2)
    assert usual(TaskView("deployment", status="skipped", action="skip"), before) is None
    assert usual(TaskView("rollout"), before) is None, "its time is in the plan"
    assert usual(TaskView("model"), []) is None
