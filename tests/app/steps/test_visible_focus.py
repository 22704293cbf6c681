"""Wherever the keys go, the user sees it: a long walk over all steps, lists and dialogs."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.app.everything import answers, first_screen
from tests.app.panes import Walk, follow, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER, Recording
from tests.app.visible_focus import paints_focus, sees_focus
from tui.app.app import WizardApp
from tui.app.endpoint_operations.removal_dialog import RemovalDialog
from tui.app.steps.step_texts import ORDER
from tui.app.theme import DARK, LIGHT
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

__all__ = ["home"]

TOUR = ("tab", "tab", "down", "up", "shift+tab", "ctrl+g", "tab", "escape", "ctrl+o", "down", "escape", "escape", "tab")
SIZES = ((80, 24), (80, 20), (120, 40))


async def tour(walk: Walk, where: str) -> None:
    """Press keys, and look for the focus after each of them."""
    for number, key in enumerate(TOUR):
        await walk.press(key)
        sees_focus(walk, f"{where}, {' '.join(TOUR[: number + 1])}")


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_the_focus_is_visible_after_every_key_at_every_step(home: Path, size: tuple[int, int]) -> None:
    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), helper=answers())
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        for step in ORDER:
            await walk.to(step)
            sees_focus(walk, step)
            await tour(walk, step)


@pytest.mark.parametrize("size", SIZES[:2], ids=str)
async def test_the_focus_is_visible_when_every_widget_is_visited(home: Path, size: tuple[int, int]) -> None:
    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), helper=answers())
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        for step in ORDER:
            await walk.to(step)
            for number in range(len(app.screen.focus_chain)):
                await walk.press("tab")
                sees_focus(walk, f"{step}, {number + 1} Tab")


@pytest.mark.parametrize("theme", (DARK.name, LIGHT.name))
async def test_what_has_the_focus_looks_different_in_16_colours(home: Path, theme: str) -> None:
    recording = Recording(home, ago=60)
    recording.to_failure()
    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), helper=answers())
    async with app.run_test(size=(80, 24)) as pilot:
        app.theme = theme
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        for step in ("credentials", "endpoint", "review", "test"):
            await walk.to(step)
            await paints_focus(walk, step)
        await follow(walk, recording)
        await paints_focus(walk, "deploy")
    async with first_screen() as walk:
        walk.app.theme = theme
        await paints_focus(walk, "home")


async def test_the_focus_is_visible_at_home_and_among_all_endpoints(home: Path) -> None:
    async with first_screen() as walk:
        sees_focus(walk, "home")
        await tour(walk, "home")
        walk.app.fleet(Document())
        await walk.until(lambda: walk.app.screen.name == "fleet-screen", "all endpoints")
        await tour(walk, "all endpoints")


async def test_the_focus_does_not_stay_in_what_has_become_empty(home: Path) -> None:
    known = asyncio.Event()

    async def nothing(asked: dict[str, Any]) -> dict[str, Any]:
        await known.wait()
        return {"items": [], "currency": "USD", "price_note": ""}

    async with wizard(recorded_answers(inventory=nothing)) as walk:
        walk.app.push_screen(RemovalDialog(walk.store, ENDPOINT_ANSWER))
        await walk.sees("Reading the resources")
        await walk.tab_to("remove-means")
        known.set()
        await walk.sees("there is nothing to remove")
        await walk.until(lambda: walk.focused == "remove-what", "the focus goes on")
        sees_focus(walk, "the answer")
