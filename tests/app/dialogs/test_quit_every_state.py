"""Ctrl+C twice quits the wizard in every state."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from textual.widgets import TextArea

from tests.app.everything import answers
from tests.app.panes import Walk, home, wizard
from tests.app.steps.model.test_model import browse
from tui.app.app import WizardApp
from tui.app.dialogs.too_small import TooSmallScreen
from tui.app.steps.step_texts import ORDER
from tui.app.widgets.field_row import FieldRow

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def stays_in_list(walk: Walk) -> None:
    await walk.to("workspace")
    walk.app.screen.query_one("#row-workspace-name", FieldRow).control.focus()
    await walk.press("down")


async def asks(walk: Walk) -> None:
    await walk.to("workspace")


async def picks(walk: Walk) -> None:
    await walk.to("model")
    await browse(walk)


async def opens_menu(walk: Walk) -> None:
    await walk.press("ctrl+o")


async def reads(walk: Walk) -> None:
    await walk.press("ctrl+g")


async def is_small(walk: Walk) -> None:
    await walk.pilot.resize_terminal(40, 10)
    await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen), "the notice")


async def edits(walk: Walk) -> None:
    await walk.to("test")
    walk.app.screen.query_one(TextArea).focus()


async def sends_many(walk: Walk) -> None:
    await walk.to("test")
    await walk.tab_to("test-many")
    await walk.press("enter")
    await walk.sees("Load test")
    await walk.press("enter")


@pytest.mark.parametrize(
    "state", [stays_in_list, asks, picks, opens_menu, reads, is_small, edits, sends_many], ids=lambda f: f.__name__
)
async def test_ctrl_c_twice_leaves_from_every_state(state: Callable[[Walk], Any]) -> None:
    given = answers()
    for question in ("workspace", "workspaces", "burst", "sign_in"):
        given.hold(question)
    async with wizard(given) as walk:
        await state(walk)
        await walk.press("ctrl+c", "ctrl+c")
        await walk.until(lambda: walk.app.return_value == "left", "the wizard is left")


@pytest.mark.slow
@pytest.mark.parametrize("step", ORDER)
async def test_every_step_is_left_while_azure_does_not_answer(step: str) -> None:
    given = answers()
    for question in list(given.answers):
        given.hold(question)
    async with wizard(given) as walk:
        await walk.to(step)
        await walk.press("ctrl+c", "ctrl+c")
        await walk.until(lambda: walk.app.return_value == "left", "the wizard is left")


async def test_it_is_left_while_the_rehearsal_is_still_starting() -> None:
    import threading

    from tui.plan.load_save.load import load

    gate = threading.Event()

    def prepare(document: object) -> dict[str, str]:
        gate.wait(20)
        return dict(os.environ)

    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), rehearse=True, prepare=prepare, helper=answers())
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            walk = Walk(app, pilot)
            await walk.sees("step 1 of 9")
            await walk.press("ctrl+c", "ctrl+c")
            await walk.until(lambda: app.return_value == "left", "the wizard is left")
    finally:
        gate.set()
