"""The setting of the screen pictures: answers, a stopped clock, two sizes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList

from tests.app.panes import Walk, home, recorded_answers
from tests.app.pictures import contrast, expect, in_16_colours, rows
from tests.app.recorded import WORKSPACE_ANSWER, Answers
from tests.app.state.test_field_lists import WORKSPACES
from tests.app.steps.compute.test_compute import OFFERS
from tests.app.steps.model.test_model import COUNTED, INSPECTED
from tests.app.steps.network.test_network import REACH
from tui.app.app import WizardApp
from tui.helper.client import HelperError
from tui.plan.presets import presets

__all__ = ["home"]

SMALL, LARGE = (80, 24), (120, 40)
NOW = datetime(2026, 11, 22, 22, 5, 13)  # UTC
DRAWN = [SMALL]  # the current size
LEAST_CONTRAST = 3.0  # of words in 16 colours (WCAG 2.1 asks for that of large text)
LEAST_OF_LINES = 1.2  # of lines and bars, which say nothing that words do not
SOURCES = [
    {"source": "Environment", "found": False, "reason": "AZURE_CLIENT_ID, AZURE_TENANT_ID are not set"},
    {"source": "Workload identity", "found": False, "reason": "not configured here"},
    {"source": "Managed identity", "found": True, "reason": "this machine answers for one"},
    {"source": "Azure CLI", "found": False, "reason": "az is not installed"},
    {"source": "Azure PowerShell", "found": False, "reason": "not configured here"},
]
SIGNED_IN = {
    "principal": "churn-deployer", "kind": "service principal", "tenant": "72f988bf-86f1-41af-91ab-2d7cd011db47",
    "client_id": "0f0f0f0f-1111-2222-3333-444444444444", "expires": "2026-11-22T23:04:00Z", "method": "default",
    "source": "Managed identity",
}  # fmt: skip
REFUSED = HelperError(
    "Sign-in was refused", "AADSTS7000215: the client secret is wrong or has expired.",
    "Make a new secret for the application, and set AZURE_CLIENT_SECRET.", "AADSTS7000215: Invalid client secret",
)  # fmt: skip
WORKSPACE = {
    **WORKSPACE_ANSWER, "id": "/subscriptions/1", "public_network_access": "Disabled",
    "managed_network": {"isolation_mode": "AllowOnlyApprovedOutbound", "status": "Active"},
    "private_endpoints": {"pe-ws-churn": "Approved"}, "image_build_compute": "cpu-cluster", "portal_url": "",
    "explain": "",
}  # fmt: skip
NEW_ENDPOINT = {"exists": False, "deployments": [], "traffic": {}}
FREE = {"state": "free", "region": "eastus2", "asked": 2, "silent": 0}


class Stopped(datetime):
    """A stopped clock."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return NOW.replace(tzinfo=tz)


class Today(date):
    """The day of that clock."""

    @classmethod
    def today(cls) -> date:
        return NOW.date()


class Seconds:
    """The same clock in seconds, in the place of the module `time`."""

    @staticmethod
    def time() -> float:
        return (NOW - datetime(1970, 1, 1)).total_seconds()

    @staticmethod
    def monotonic() -> float:
        return 1000.0


@pytest.fixture(autouse=True)
def always_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make the screen independent of time and machine."""
    for module in ("tests.app.recorded", "tui.app.steps.credentials.pane", "tui.app.steps.test.pane"):
        monkeypatch.setattr(f"{module}.datetime", Stopped)
    for module in ("steps.deploy.follow_run", "widgets.waiting", "state.store", "state.answers"):
        monkeypatch.setattr(f"tui.app.{module}.time", Seconds)
    monkeypatch.setattr("tui.plan.sizes.date", Today)
    # Whichever presets there are: the two that have been there from the start.
    offered = [preset for preset in presets() if preset.name in ("churn-xgboost", "mlflow-xgboost")]
    for module in ("tui.app.home.screen", "tui.plan.load_save.load"):
        monkeypatch.setattr(f"{module}.presets", lambda: offered)
    monkeypatch.setattr("tui.app.steps.network.pane.platform.node", lambda: "driver-1")
    for name in ("NO_COLOR", "COLORFGBG", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(params=[SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=["80x24", "120x40"])
def sizes(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each picture in two sizes; the large ones are drawn where the slow tests run."""
    DRAWN.append(request.param)
    yield
    DRAWN.pop()


def good_answers(**more: Any) -> Answers:
    """Return successful answers to all queries."""
    told = {
        "credential_sources": SOURCES, "sign_in": SIGNED_IN, "workspace": WORKSPACE, "endpoint": NEW_ENDPOINT,
        "endpoint_name": FREE, "inspect_model": INSPECTED, "count_files": COUNTED, "sizes": OFFERS, "reach": REACH,
        "workspaces": WORKSPACES,
    }  # fmt: skip
    return recorded_answers(**{**told, **more})


async def pictures(walk: Walk, name: str, *words: str, standard: bool = False) -> None:
    """The screen in the size of this test, small with `standard` in 16 colours too; in those it must be legible."""
    await walk.sees(*words)
    width, height = DRAWN[-1]
    await walk.pilot.resize_terminal(width, height)
    await expect(walk, f"{name}-{width}x{height}")
    legible(walk, name)
    if standard and DRAWN[-1] == SMALL:
        await expect(walk, f"{name}-16-colours", standard=True)


def legible(walk: Walk, name: str) -> None:
    """Assert that in 16 colours every letter of the top screen contrasts with its background."""
    region = max((child.region for child in walk.app.screen.children), key=lambda found: found.area)
    for y, line in enumerate(in_16_colours(rows(walk.app))):
        x = 0
        for segment in line:
            style = segment.style
            if style is not None and style.color and style.bgcolor and segment.text.strip() and region.contains(x, y):
                words = any(letter.isalnum() for letter in segment.text)
                assert contrast(style.color, style.bgcolor) >= (LEAST_CONTRAST if words else LEAST_OF_LINES), (
                    f"{name}: {segment.text!r} at {x}, {y} has {style.color.number} on {style.bgcolor.number}"
                )
            x += segment.cell_length


@asynccontextmanager
async def first_screen(**options: Any) -> AsyncIterator[Walk]:
    """The wizard without a plan."""
    app = WizardApp(environ=dict(os.environ), helper=good_answers(), **options)
    async with app.run_test(size=SMALL) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        yield walk


async def choose(walk: Walk, words: str) -> None:
    """Move to an entry of a list of options and press Enter."""
    options = walk.app.screen.query_one(OptionList)
    for _ in range(40):
        marked = options.highlighted_option
        if marked is not None and words in str(marked.prompt):
            await walk.press("enter")
            return
        await walk.press("down")
    raise AssertionError(f"{words} is not offered")
