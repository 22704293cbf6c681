"""Every wait moves in words each second, and costs few bytes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.app.everything import answers
from tests.app.painted import Painted, counted
from tests.app.panes import Walk, follow, home
from tests.app.recorded import Recording
from tui.app.app import WizardApp
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

__all__ = ["home"]

MOST_BYTES = 400  # a second
SECONDS = 3  # of which all but the first are measured

# Every question that may be slow; all are, in every scene.
SLOW = (
    "credential_sources", "sign_in", "workspace", "subscriptions", "endpoint", "endpoint_name", "inspect_model",
    "registered_models", "sizes", "reach", "changes", "check", "score", "burst", "keys", "inventory", "step_findings",
    "references", "export", "troubleshoot", "fleet", "new_plan", "logs", "make_scoring",
)  # fmt: skip


def at(step: str, *keys: str, tab: str = "") -> Callable[[Walk], Awaitable[None]]:
    """Go to a step, press the button `tab` if given, then the keys."""

    async def go(walk: Walk) -> None:
        await walk.to(step)
        if tab:
            await walk.tab_to(tab)
            await walk.press("enter")
        await walk.press(*keys)

    return go


def chosen(step: str, label: str) -> Callable[[Walk], Awaitable[None]]:
    """Choose an action of the menu at a step."""

    async def go(walk: Walk) -> None:
        await walk.to(step)
        await walk.press("ctrl+o", *label)
        await walk.sees(f"{label} ")
        await walk.press("enter")

    return go


async def deploying(walk: Walk) -> None:
    await follow(walk, Recording(Path(os.environ["AML_DEPLOY_HOME"])).engine_lives())


async def removing(walk: Walk) -> None:
    walk.store._helper.release("endpoint")
    await at("test", tab="test-traffic")(walk)
    await walk.tab_to("traffic-remove")
    await walk.press("enter")


async def troubleshooting(walk: Walk) -> None:
    walk.app.operate(load("churn-xgboost"))


async def all_endpoints(walk: Walk) -> None:
    walk.app.fleet(Document())


async def load_test(walk: Walk) -> None:
    await at("test", tab="test-many")(walk)
    await walk.sees("Load test")
    await walk.press("enter")


async def new_plan(walk: Walk) -> None:
    from tui.app.home.folder_dialog import FolderScreen

    helper = walk.store._helper
    walk.app.push_screen(FolderScreen())
    await walk.sees("Start from a folder")
    walk.app.screen._store._helper = helper  # type: ignore[attr-defined]
    await walk.press("slash", "x", "enter")


SCENES: dict[str, Callable[[Walk], Awaitable[None]]] = {
    "credentials": at("credentials"),
    "sign-in": at("credentials", tab="sign-in"),
    "workspace": at("workspace"),
    "list": at("workspace", "down"),
    "endpoint": at("endpoint"),
    "model": at("model"),
    "compute": at("compute"),
    "network": at("network"),
    "review": at("review"),
    "deploy": deploying,
    "test": at("test"),
    "send": at("test", "enter"),
    "load-test": load_test,
    "keys": at("test", tab="test-keys"),
    "traffic": at("test", tab="test-traffic"),
    "remove": removing,
    "references": chosen("endpoint", "References"),
    "export": at("review", tab="extra"),
    "troubleshoot": troubleshooting,
    "endpoints": all_endpoints,
    "new-plan": new_plan,
}


@asynccontextmanager
async def slow_wizard() -> AsyncIterator[Walk]:
    """The wizard, whose questions are not answered."""
    given = answers()
    for question in SLOW:
        given.hold(question)
    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), helper=given)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        yield walk


@pytest.mark.parametrize("scene", SCENES)
async def test_a_wait_counts_its_seconds_for_few_bytes(scene: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with slow_wizard() as walk:
        painted = Painted(walk, monkeypatch)
        await SCENES[scene](walk)
        await walk.until(lambda: counted(walk.text()) >= 1, f"{scene} says for how long it has been waiting")
        began = counted(walk.text())
        painted.begin()
        await walk.until(lambda: counted(walk.text()) >= began + SECONDS, f"{scene} goes on counting")
        seconds = counted(walk.text()) - began
        assert 0 < painted.count <= MOST_BYTES * seconds, f"{painted.count} bytes in {seconds} s"
        monkeypatch.undo()
