"""Dialogs that something else covers, and keys that arrive in one burst."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest
from textual import events

from tests.app.panes import Walk, home, recorded_answers, wizard
from tui.app.app import WizardApp
from tui.app.dialogs.quit import QuitScreen
from tui.app.dialogs.too_small import TooSmallScreen
from tui.app.home.open_plan_dialog import OpenPlanScreen
from tui.app.steps.step_pane import Pane
from tui.app.steps.step_texts import ORDER
from tui.app.steps.wizard_screen import WizardScreen
from tui.plan.load_save.load import load

__all__ = ["home"]


def burst(walk: Walk, *keys: str) -> None:
    """Press keys faster than any of them can be processed."""
    for key in keys:
        walk.app.post_message(events.Key("space" if key == " " else key, key if len(key) == 1 else None))


async def small(walk: Walk, size: tuple[int, int]) -> None:
    """Resize the terminal, and wait for the notice or its end."""
    await walk.pilot.resize_terminal(*size)
    await walk.until(
        lambda: any(isinstance(screen, TooSmallScreen) for screen in walk.app.screen_stack) is (size < (80, 20)),
        f"the notice at {size}",
    )


@pytest.mark.parametrize(("after", "by"), [("pageup", -1), ("pagedown", 1), ("escape", 0), ("ctrl+o", 0)])
async def test_a_burst_through_the_menu_ends_at_one_step(home: Path, after: str, by: int) -> None:
    async with wizard() as walk:
        screen = walk.app.screen
        assert isinstance(screen, WizardScreen)

        def shown() -> list[str]:
            return [pane.step for pane in screen.query(Pane) if pane.display]

        async def settled() -> None:
            await walk.until(lambda: not len(walk.app.workers), "all questions are answered")
            await walk.pilot.pause()

        for step in ("model", "network", "workspace"):
            await settled()
            wanted = ORDER[ORDER.index(step) + by]
            burst(walk, "ctrl+o", *f"go to step {ORDER.index(step) + 1}", "enter", after)
            await walk.until(lambda: shown() == [wanted] and screen.step == wanted, f"only {wanted} is shown")  # noqa: B023
            if after == "ctrl+o":
                await walk.until(lambda: walk.app.screen is not screen, "the menu is open again")
                await walk.press("escape")
            await walk.until(lambda: walk.app.screen is screen, "the menu is closed")
            await settled()


async def test_a_dialog_that_a_notice_covers_ends_when_it_is_on_top_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = threading.Event()

    def slow(dialog: OpenPlanScreen, typed: str) -> Any:
        read.wait(60)
        return load("churn-xgboost")

    monkeypatch.setattr(OpenPlanScreen, "read", slow)
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        app.push_screen(OpenPlanScreen(), lambda document: app.open(document) if document else None)
        await walk.sees("Open a plan file")
        await walk.press("a", "enter")
        await walk.sees("Reading the file")
        await small(walk, (70, 18))
        read.set()
        dialog = next(screen for screen in app.screen_stack if isinstance(screen, OpenPlanScreen))
        await walk.until(lambda: not dialog.workers._workers or dialog._result is not None, "the plan is read")
        assert isinstance(app.screen, TooSmallScreen), "the notice stays while the terminal is too small"
        await walk.press("enter")
        await small(walk, (80, 24))
        await walk.sees("step 1 of 9")
        await walk.press("pagedown")
        await walk.sees("step 2 of 9")


async def test_the_notice_goes_with_its_reason_although_a_dialog_covered_it(home: Path) -> None:
    async with wizard() as walk:
        await small(walk, (70, 18))
        await walk.press("ctrl+c")
        await walk.until(lambda: isinstance(walk.app.screen, QuitScreen), "the question")
        await walk.pilot.resize_terminal(80, 24)
        await walk.press("escape")
        await walk.until(lambda: walk.app.screen.name == "wizard", "the step is on top")
        await small(walk, (70, 18))
        await walk.press("ctrl+c")
        await walk.until(lambda: isinstance(walk.app.screen, QuitScreen), "the question")
        await walk.pilot.resize_terminal(80, 24)
        await walk.pilot.resize_terminal(60, 10)
        await walk.press("escape")
        await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen), "the notice is on top")
        assert sum(isinstance(screen, TooSmallScreen) for screen in walk.app.screen_stack) == 1
        await small(walk, (80, 24))
        assert walk.app.screen.name == "wizard"


async def test_a_screen_that_is_exchanged_in_a_small_terminal_has_the_notice_too(home: Path) -> None:
    async with wizard() as walk:
        await small(walk, (70, 18))
        walk.app.go_home()
        await walk.until(lambda: walk.app.screen_stack[1].name == "home", "home")
        assert isinstance(walk.app.screen, TooSmallScreen)
        await small(walk, (80, 24))
        await walk.sees("Presets")


async def test_screens_that_replace_each_other_in_one_burst_are_one_at_last(home: Path) -> None:
    async with wizard() as walk:
        app = walk.app
        for way in ("hh", "whw", "fwf", "hfh", "ww", "ff", "hwhwh"):
            for one in way:
                {"h": app.go_home, "w": lambda: app.open(load("churn-xgboost")), "f": app.fleet}[one]()
            last = {"h": "home", "w": "wizard", "f": "fleet-screen"}[way[-1]]
            await walk.until(lambda: app.screen.name == last and app.screen.is_mounted, f"{last} after {way}")  # noqa: B023
            await walk.pilot.pause()
            assert [screen.name for screen in app.screen_stack[1:]] == [last], way
