"""The tasks of a run beside what they took in earlier runs of the same endpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.panes import follow, home, wizard
from tests.app.recorded import TYPICAL, WORKSPACE, Recording
from tui.app.steps.deploy import schedule
from tui.app.steps.deploy.schedule import Span
from tui.app.steps.deploy.task_words import note, time_words, usual_words
from tui.engine.journal.run_view import TaskView, Usual
from tui.engine.journal.usual_times import Times, keep

__all__ = ["home"]


def run_before(home: Path, number: int, *, rehearsed: bool = True, pace: float | None = TYPICAL["endpoint"],
               **seconds: float) -> None:  # fmt: skip
    """An earlier run of the endpoint, whose tasks took so long."""
    recording = Recording(home, ago=3600 + number, run=f"20261121-0000{number:02}-ab12", rehearsed=rehearsed)
    keep(recording.folder, Times({name: ("create", took) for name, took in seconds.items()}, WORKSPACE, pace))


async def test_a_task_slower_than_in_earlier_runs_says_so_with_what_is_usual(home: Path) -> None:
    for number, took in enumerate((1.0, 1.2, 1.4)):
        run_before(home, number, model=took, deployment=9.0 + number)
    run_before(home, 7, rehearsed=False, model=500.0, deployment=500.0)
    recording = Recording(home, ago=40).engine_lives()
    recording.to_middle()
    async with wizard(size=(120, 40)) as walk:
        await follow(walk, recording)
        screen = await walk.sees("slower than usual; 1.2 of 3.4 MB", "usually 10 s")
        assert "typically 25 s" not in screen, "what is known of this endpoint wins"
        assert screen.count("slower than usual") == 1, "the endpoint has no earlier time"
        await walk.until(lambda: walk.focused == "timeline")
        await walk.press(*["down"] * 6, "enter")
        await walk.sees("Task deployment", "Usual", "10 s, from 9.0 s to 11 s (3 earlier runs of this endpoint)")


async def test_a_run_in_azure_is_not_compared_with_rehearsed_ones(home: Path) -> None:
    run_before(home, 1, deployment=9.0)
    recording = Recording(home, ago=2, rehearsed=False).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("▸ running", "· waiting  deployment", "typically 25 s")
        assert "usually" not in screen


async def test_the_help_names_where_the_usual_time_is_from(home: Path) -> None:
    for number in range(4):
        run_before(home, number, model=4.0)
    recording = Recording(home, ago=2).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.until(lambda: walk.focused == "timeline")
        await walk.press(*["down"] * 3, "ctrl+g")
        await walk.sees("Usual: 4.0 s, from 4.0 s to 4.0 s (4 earlier runs of")
        await walk.press("escape", "down", "ctrl+g")
        await walk.sees("Usual: 1 s for any endpoint (no earlier run of")


ONE = TaskView("deployment", status="running", started=100.0, usual=Usual(240.0, 230.0, 260.0, 4))


@pytest.mark.smoke
@pytest.mark.parametrize(("now", "slow"), [(360.0, False), (399.0, False), (401.0, True), (640.0, True)])
def test_slow_is_beyond_a_quarter_more_than_usual(now: float, slow: bool) -> None:
    assert ("slower than usual" in note(ONE, now)) is slow
    assert time_words(ONE, 640.0) == "9 min 00 s of ~4 min 00 s"
    ended = replace(ONE, status="succeeded", seconds=now - 100)
    assert ("slower than usual (4 min 00 s)" in note(ended, 9999.0)) is slow


@pytest.mark.smoke
def test_no_more_than_the_slowest_earlier_run_is_not_slow() -> None:
    varied = replace(ONE, usual=Usual(240.0, 100.0, 900.0, 4))
    assert "slower" not in note(varied, 900.0)


@pytest.mark.smoke
def test_a_task_that_failed_says_why_and_not_that_it_was_slow() -> None:
    assert note(replace(ONE, status="failed", seconds=900.0, detail="ImageBuildFailure"), 9999.0) == "ImageBuildFailure"


@pytest.mark.smoke
def test_without_earlier_runs_the_typical_time_says_what_it_is() -> None:
    assert (
        usual_words(TaskView("endpoint", typical_seconds=90.0)) == "90 s for any endpoint (no earlier run of this one)"
    )
    assert usual_words(TaskView("model")) == ""
    assert (
        usual_words(replace(ONE, usual=Usual(240.0, 240.0, 240.0, 1))) == "4 min 00 s (1 earlier run of this endpoint)"
    )


@pytest.mark.smoke
def test_a_bar_goes_on_behind_a_mark_where_it_usually_ends() -> None:
    assert schedule.bar(Span(0, 8, 8, usual=4), 10, 10) == "━━━━│━━━  "
    assert schedule.bar(Span(0, 3, 6, usual=4), 10, 10) == "━━━┄┄┄    ", "it has not come to it"
    assert schedule.bar(Span(0, 8, 8), 10, 10) == "━━━━━━━━  "
