"""The state of a rollout after its events, and what a screen says about it."""

from __future__ import annotations

from typing import Any

import pytest

from tui.engine.rollout.rollout_view import RolloutView

PLANNED = {
    "deployment": "green", "steps": [10, 50, 100], "pause": 300, "min_requests": 10,
    "max_error_percent": 5, "max_p95_ms": None,
}  # fmt: skip


def shift(step: int = 1, **more: Any) -> dict[str, Any]:
    return {"before": {"blue": 100}, "after": {"blue": 90, "green": 10}, "step": step, "steps": 3, **more}


def test_before_the_first_step() -> None:
    view = RolloutView.of_plan(PLANNED)
    assert (view.planned, view.steps, view.step, view.pause, view.max_p95_ms) == ((10, 50, 100), 3, 0, 300, None)
    assert not view.began
    bare = RolloutView.of_plan({})
    assert (bare.planned, bare.steps, bare.max_error_percent) == ((), 0, None)


def test_each_step_starts_with_new_measurements() -> None:
    watched = {"requests": 9, "errors": 1, "statuses": {"500": 1}, "p95_ms": 4.0, "left": 12.0}
    view = RolloutView.of_plan(PLANNED).shifted(shift()).watched({**watched, "of a later version": 1})
    assert view.began and (view.requests, view.errors, view.left) == (9, 1, 12.0)
    after = view.shifted(shift(2))
    assert (after.requests, after.errors, after.statuses, after.p95_ms, after.left) == (0, 0, {}, None, None)
    assert (after.step, after.back, after.traffic) == (2, False, {"blue": 90, "green": 10})


def test_going_back_keeps_the_measurements_which_are_the_reason() -> None:
    view = RolloutView.of_plan(PLANNED).shifted(shift()).watched({"requests": 9, "errors": 5, "left": 3.0})
    back = view.shifted({"before": {"blue": 100}, "after": {"blue": 100}, "back": True, "why": "5 failed"})
    assert (back.requests, back.errors, back.left, back.step) == (9, 5, None, 1)
    assert (back.back, back.why, back.began, back.step_words) == (True, "5 failed", True, "back")


def test_mirrored_traffic_is_step_0() -> None:
    view = RolloutView.of_plan(PLANNED).watched({"step": 0})
    assert view.began
    assert "mirrored" in view.step_words
    assert view.watched({"step": 2, "steps": 3}).step_words == "step 2 of 3"
    assert view.watched({"traffic": {"blue": 90, "green": 10}}).split_words == "blue 90 %, green 10 %"


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({}, "no answers yet"),
        ({"requests": 0, "callers": {"requests": 5}}, "no answers yet"),
        ({"requests": 1, "statuses": {"200": 1}}, "1 test request: 200 × 1"),
        ({"requests": 3, "statuses": {"none": 1, "200": 2}}, "3 test requests: 200 × 2, no answer × 1"),
        ({"requests": 1, "statuses": {"200": 1}, "p95_ms": 1234.4}, "1 test request: 200 × 1; p95 1,234 ms"),
        ({"requests": 1, "statuses": {"200": 1}, "p95_ms": 0.0}, "1 test request: 200 × 1; p95 0 ms"),
        ({"requests": 1, "statuses": {"200": 1}, "callers": {"requests": 7.0, "errors": 2.0}},
         "1 test request: 200 × 1; callers: 2 of 7 failed"),
        ({"requests": 1, "statuses": {"200": 1}, "callers": {"other": 1}},
         "1 test request: 200 × 1; callers: 0 of 0 failed"),
    ],
)  # fmt: skip
def test_what_was_measured(figures: dict[str, Any], said: str) -> None:
    assert RolloutView.of_plan(PLANNED).watched(figures).watched_words == said


@pytest.mark.parametrize(
    ("step", "left", "begins"),
    [
        (0, None, "10 % go to green in 5 minutes,"),
        (0, 120.0, "10 % go to green in 2 minutes,"),
        (1, 1.4, "50 % go to green in 1 second,"),
        (1, 0.3, "50 % go to green in 1 second,"),
        (1, 2.0, "50 % go to green in 2 seconds,"),
        (1, 0.0, "50 % go to green after 10 answers,"),
        (2, 0.0, "100 % go to green after 10 answers,"),
        (3, 0.0, "the rollout ends after 10 answers,"),
        (4, 60.0, "the rollout ends in 60 seconds,"),
    ],
)
def test_what_comes_next_and_when(step: int, left: float | None, begins: str) -> None:
    view = RolloutView.of_plan(PLANNED).watched({"step": step, "left": left})
    assert view.next_words.startswith(begins)
    assert view.next_words.endswith("; else the previous split is restored")


@pytest.mark.parametrize(
    ("limits", "condition"),
    [
        ({"max_error_percent": None}, ""),
        ({"max_error_percent": 0}, ", if at most 0 % fail"),
        ({"max_error_percent": None, "max_p95_ms": 1500}, ", if p95 is at most 1,500 ms"),
        ({"max_p95_ms": 0}, ", if at most 5 % fail and p95 is at most 0 ms"),
    ],
)
def test_the_condition_names_the_limits_that_the_plan_has(limits: dict[str, Any], condition: str) -> None:
    view = RolloutView.of_plan({**PLANNED, **limits}).watched({"step": 0, "left": 0.0})
    assert view.next_words == f"10 % go to green after 10 answers{condition}; else the previous split is restored"


def test_after_going_back_nothing_comes_next() -> None:
    view = RolloutView.of_plan(PLANNED).shifted(shift(back=True))
    assert "green" not in view.next_words and "restored" in view.next_words
