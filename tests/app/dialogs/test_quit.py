"""Quitting: the dialog, what happens to a run in progress, signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.app.panes import home, plans, wizard
from tests.app.working import working_run
from tui.app.widgets.waiting import Said

__all__ = ["home", "working_run"]

pytestmark = pytest.mark.usefixtures("home")


async def test_ctrl_c_asks_and_a_second_time_leaves() -> None:
    async with wizard() as walk:
        await walk.press("ctrl+c")
        await walk.sees("Quit the wizard?", "Nothing is running")
        await walk.press("right", "enter")
        assert walk.app.screen.name == "wizard", "Stay goes back to the step"
        await walk.press("ctrl+c", "ctrl+c")
        assert walk.app.return_value == "left"


@pytest.mark.parametrize("writable", [True, False])
async def test_it_says_where_the_copy_of_a_preset_will_be(
    home: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    here = Path.cwd()
    monkeypatch.setattr("tui.app.state.new_files.os.access", lambda path, mode: writable or path != here)
    async with wizard() as walk:
        walk.store.set("deployment.instance_count", "3")
        await walk.press("ctrl+c")
        place = here if writable else plans(home)
        await walk.until(lambda: f"as a copy in {place}." in str(walk.app.screen.query_one(Said).content), str(place))
        await walk.press("ctrl+c")
    assert place in walk.store.file.parents


async def test_a_run_that_cannot_be_asked_to_clean_up_says_so_and_goes_on(working_run) -> None:
    run, engine = working_run
    (run.folder / "clean-up").mkdir()  # as a full disk: nothing can be written there
    async with wizard() as walk:
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("Stop and clean up")
        await walk.tab_to("stop")
        await walk.press("enter")
        await walk.sees("Yes, stop and clean up")
        await walk.tab_to("stop")
        await walk.press("enter")
        await walk.sees("The run cannot be stopped", "Is a directory")
        assert walk.app.return_value is None and engine.poll() is None


async def test_ctrl_c_leaves_a_second_time_also_when_the_terminal_was_made_too_small_in_between() -> None:
    async with wizard() as walk:
        await walk.press("ctrl+c")
        await walk.pilot.resize_terminal(60, 15)
        await walk.sees("The wizard needs 80 × 20")
        await walk.press("ctrl+c")
        await walk.until(lambda: walk.app._exit, "the end")
        assert walk.app.return_value == "left"


async def test_leaving_while_a_run_works_detaches_by_default(working_run) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("A run is in progress", "Detach", "Stop and clean up", "Stay")
        await walk.press("enter")
        assert walk.app.return_value == "detached"
    assert engine.poll() is None


async def test_stop_and_clean_up_ends_the_engine_and_asks_for_the_cleaning(working_run) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("Stop and clean up")
        await walk.press("right", "enter")
        await walk.sees("This cannot be undone", "Yes, stop and clean up")
        assert (walk.focused, walk.app.return_value) == ("stay", None), "a second Enter stays"
        await walk.tab_to("stop")
        await walk.press("enter")
        assert walk.app.return_value == "stopping"
    assert engine.wait(timeout=20) == -signal.SIGTERM
    assert (run.folder / "clean-up").exists()


async def test_a_run_is_not_stopped_where_nothing_may_be_changed(working_run) -> None:
    run, _ = working_run
    async with wizard() as walk:
        walk.app.readonly = True
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("Stop and clean up")
        await walk.press("right")
        assert walk.focused == "stay"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
async def test_a_signal_leaves_and_the_run_goes_on(working_run, number: signal.Signals) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        os.kill(os.getpid(), number)
        await walk.until(lambda: walk.app.return_value == "detached", "the wizard left")
        assert walk.app.hung_up is (number == signal.SIGHUP)
    assert engine.poll() is None


async def test_leaving_says_where_the_plan_is(home: Path) -> None:
    async with wizard() as walk:
        await walk.press("ctrl+c")
        await walk.sees("The plan is the unchanged preset.")
        await walk.press("escape")
        walk.store.set("endpoint.description", "another one")
        await walk.press("ctrl+c")
        await walk.sees("Quit saves the plan as a copy")
        await walk.press("escape")
        await walk.press("pagedown")
        await walk.until(lambda: walk.store.file is not None, "it is saved when the step is left")
        await walk.press("ctrl+c", "ctrl+c")
    assert walk.app.plan_kept() == f"The plan is saved to {Path.cwd() / 'churn-xgboost' / 'churn-xgboost.yml'}."
