"""A run as lines: any names of tasks, and a rollout as it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.engine.journal.runs import Run
from tui.plain.output.event_lines import Lines
from tui.plain.output.run_result import summary

TASKS = ("sign-in", "deployment:green", "test:green", "rollout", "test")
PLANNED = {"deployment": "green", "steps": [10, 100], "pause": 60, "min_requests": 5, "max_error_percent": 5}


def events(*told: tuple[float, str, dict[str, Any]]) -> list[dict[str, Any]]:
    started = {
        "endpoint": "churn", "deployment": "green", "rehearsed": True, "rollout": PLANNED,
        "tasks": [{"name": name, "needs": []} for name in TASKS],
    }  # fmt: skip
    return [
        {"seq": seq, "run": "r1", "event": name, "time": f"2026-11-22T22:{int(at) // 60:02}:{at % 60:06.3f}Z", **fields}
        for seq, (at, name, fields) in enumerate(((0.0, "run_started", started), *told), 1)
    ]


def shown(*told: tuple[float, str, dict[str, Any]]) -> tuple[list[str], Lines]:
    lines: list[str] = []
    printer = Lines(lines.append)
    for event in events(*told):
        printer.show(event)
    return lines[1:], printer


def watch(at: float, requests: int, **more: Any) -> tuple[float, str, dict[str, Any]]:
    return at, "rollout_watch", {
        "task": "rollout", "deployment": "green", "step": 1, "steps": 2, "traffic": {"blue": 90, "green": 10},
        "requests": requests, "errors": 0, "statuses": {"200": requests}, "p95_ms": 43.2, "left": 60 - at, **more,
    }  # fmt: skip


SHIFT = {"task": "rollout", "before": {"blue": 100}, "after": {"blue": 90, "green": 10}, "why": "step 1 of 2",
         "back": False, "step": 1, "steps": 2}  # fmt: skip


def test_names_of_any_length_stand_in_a_column() -> None:
    lines, _ = shown(
        (1, "task_started", {"task": "sign-in", "action": "read", "detail": ""}),
        (2, "task_started", {"task": "deployment:green", "action": "create", "detail": "green, 1 × DS3"}),
    )
    assert lines == ["  0:01  sign-in          reading", "  0:02  deployment:green creating: green, 1 × DS3"]


def test_a_rollout_is_told_step_by_step_and_not_call_by_call() -> None:
    lines, printer = shown(
        (1, "task_started", {"task": "rollout", "action": "change", "detail": "green: 10 %, 100 %"}),
        (1, "task_progress", {"task": "rollout", "done": 0, "total": 2, "unit": "steps"}),
        (2, "traffic_shift", SHIFT),
        watch(4, 3),
        watch(5, 4),
        watch(8, 8),
        watch(60, 40, left=0),
    )
    said = [line.split(maxsplit=2)[2] for line in lines[1:]]
    assert said == [
        "shifting traffic to blue 90 %, green 10 %",
        "step 1 of 2: 3 test requests: 200 × 3; p95 43 ms; 56 s left",
        "step 1 of 2: 8 test requests: 200 × 8; p95 43 ms; 52 s left",
        "step 1 of 2: 40 test requests: 200 × 40; p95 43 ms",
    ]
    rollout = printer.view.rollout
    assert rollout is not None
    assert rollout.next_words.startswith("100 % go to green after 5 answers, if at most 5 % fail")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        ({"status": "cancelled"}, False),
        ({"status": "failed", "left_behind": ["model churn:1"]}, False),
        ({"status": "blocked"}, False),
        ({"status": "cancelled", "left_behind": ["model churn:1", "endpoint churn"]}, True),
        ({"status": "succeeded"}, True),
    ],
)
def test_how_to_remove_what_a_run_made_is_said_only_if_it_made_something(
    end: dict[str, Any], told: bool, tmp_path: Path
) -> None:
    _, printer = shown((9, "run_finished", {"endpoint": "churn", "deployment": "green", **end}))
    said = "\n".join(summary(Run("r1", tmp_path, "churn", "green", "2026-11-22T22:00:00Z", True), printer.view))
    assert ("aml-deploy remove" in said) is told


def test_the_result_says_who_serves_and_who_did_before(tmp_path: Path) -> None:
    finished = {"status": "succeeded", "endpoint": "churn", "deployment": "green"}
    _, printer = shown((2, "traffic_shift", SHIFT), (9, "run_finished", finished))
    run = Run("r1", tmp_path, "churn", "green", "2026-11-22T22:00:00Z", True)
    said = "\n".join(summary(run, printer.view))
    assert ["requests", "blue 90 %, green 10 %; before: blue 100 %"] in [
        line.strip().split(maxsplit=1) for line in said.splitlines()
    ]
    assert "aml-deploy rollback churn" in said
