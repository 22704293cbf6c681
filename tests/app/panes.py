"""Runs the wizard at one step with recorded answers, for tests of panes."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual._context import visible_screen_stack
from textual.pilot import Pilot

from tests.app.recorded import CHANGES, ENDPOINT_ANSWER, FINDINGS, SCORE_ANSWER, WORKSPACE_ANSWER, Answers, Recording
from tui.app.app import WizardApp
from tui.app.dialogs.base import Box
from tui.app.steps.deploy.pane import DeployPane
from tui.plan.load_save.load import load

VARIABLES = {
    "AZURE_SUBSCRIPTION_ID": "11111111-2222-3333-4444-555555555555",
    "AZURE_RESOURCE_GROUP": "rg-ml",
    "AZURE_ML_WORKSPACE": "ws-churn",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private state folder, and the preset's variables."""
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def recorded_answers(**more: Any) -> Answers:
    """Return successful answers, unless overridden."""
    told = {
        "changes": CHANGES,
        "check": FINDINGS,
        "workspace": WORKSPACE_ANSWER,
        "endpoint": ENDPOINT_ANSWER,
        "score": SCORE_ANSWER,
        "step_findings": [],
    }
    return Answers(**{**told, **more})


class Walk:
    """Drives the wizard as a user at the keyboard would."""

    def __init__(self, app: WizardApp, pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def store(self) -> Any:
        """The wizard's state."""
        return self.app.store

    @property
    def focused(self) -> str:
        """The id of the focused widget."""
        focused = self.app.screen.focused
        return (focused.id if focused else "") or ""

    async def to(self, step: str) -> None:
        """Show a step."""
        await self.app.screen.show_step(step)  # type: ignore[attr-defined]
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def tab_to(self, wanted: str) -> None:
        """Press Tab until the widget with this id has the focus and takes a press.

        Textual drops a press of a button that was pressed 0.2 s before; nobody's fingers are that fast.
        """
        for _ in range(40):
            if self.focused == wanted:
                return await self.takes_a_press(self.app.screen.focused)
            await self.pilot.press("tab")
        raise AssertionError(f"{wanted} cannot be reached with Tab, the focus is at {self.focused}\n{self.text()}")

    async def takes_a_press(self, widget: Any) -> None:
        """Wait until a widget is not shown as pressed any more."""
        await self.until(lambda: not widget.has_class("-active"), f"{widget} takes a press")

    def text(self) -> str:
        """Return the text on the screen, line by line."""
        width, height = self.app.size
        visible_screen_stack.set(self.app._background_screens)  # or what is behind a dialog is kept as if it were empty
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip)[:width].rstrip() for strip in strips[:height])

    async def until(self, condition: Callable[[], Any], what: str = "", seconds: float = 60) -> None:
        """Wait for a condition, as long as a slow machine may need."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"did not come true: {what}\n{self.text()}")
            await asyncio.sleep(0.02)

    async def sees(self, *words: str) -> str:
        """Wait until all these texts are on the screen, wherever their lines are broken; return the screen's text.

        Where a line breaks depends on the length of the folder that the checkout is in.
        """
        await self.until(lambda: all(self.shows(word) for word in words), f"{words} on the screen")
        return self.text()

    def shows(self, words: str) -> bool:
        """Whether this text is on the screen, in a line or over several, of the whole screen or of a dialog's box."""
        text = self.text()
        boxes = [box.content_region for box in self.app.screen.query(Box)]
        inside = ["\n".join(line[box.x : box.right] for line in text.splitlines()[box.y : box.bottom]) for box in boxes]
        return any(words in one or words in " ".join(one.split()) for one in (text, *inside))


@asynccontextmanager
async def wizard(
    answers: Answers | None = None, *, size: tuple[int, int] = (80, 24), sets: tuple[str, ...] = ()
) -> AsyncIterator[Walk]:
    """Run the wizard on the preset, with recorded answers instead of the helper."""
    document = load("churn-xgboost")
    for assignment in sets:
        key, _, value = assignment.partition("=")
        document.set(key, value or None, "test")
    app = WizardApp(document, environ=dict(os.environ), helper=answers or recorded_answers())
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        yield walk


@asynccontextmanager
async def rehearsed(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch, *, endpoint: str, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Walk]:
    """Run the wizard on the preset in a rehearsal, with a real helper; the endpoint's name starts with `endpoint`."""
    monkeypatch.setenv("AML_DEPLOY_HOME", env["AML_DEPLOY_HOME"])
    document = load("churn-xgboost")
    document.set("endpoint.name", f"{endpoint}-{uuid.uuid4().hex[:8]}", "test")
    app = WizardApp(document, environ=env, rehearse=True)
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        yield walk


async def run_from_review(walk: Walk, answered: str) -> DeployPane:
    """Start the run at Review, once it shows the text `answered`, and wait for its end."""
    await walk.to("review")
    await walk.until(lambda: answered in walk.text(), "Azure has answered", seconds=120)
    await walk.tab_to("next")
    await walk.press("enter")
    await walk.until(lambda: getattr(walk.app.screen, "step", "") == "deploy", "the run has started", seconds=60)
    pane = walk.app.screen.query_one(DeployPane)
    await walk.until(lambda: pane.snapshot.ended, "the run has ended", seconds=300)
    return pane


async def follow(walk: Walk, recording: Recording) -> None:
    """Show a run, as after attaching to it."""
    walk.store.follow(recording.run)
    await walk.to("deploy")


def plans(home: Path) -> Path:
    """Return the folder where the wizard saves plans that have no file."""
    folder = home / "plans"
    folder.mkdir(exist_ok=True)
    return folder
