"""Pictures of the fleet, and what a real terminal gets of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.app.fleet.idle import REFRESH_SECONDS
from tests.app.fleet.rows import DEGRADED, SOME, UNKNOWN, WORKSPACES, Fleet, fleet, many, row, workspace
from tests.app.fleet.test_fleet_screen import filled
from tests.app.fleet.test_row_actions import answers
from tests.app.panes import home
from tests.app.pictures import expect
from tests.app.scenes import DRAWN, Stopped, always_the_same, legible, pictures, sizes
from tests.terminal import CONTROL_C, Terminal
from tui.app.theme import LIGHT

__all__ = ["always_the_same", "home", "sizes"]

MOST = 500  # bytes a second

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(autouse=True)
def same_time(monkeypatch: pytest.MonkeyPatch, always_the_same: None) -> None:
    """The clock of the pictures."""

    class Local(Stopped):
        def astimezone(self, tz: object = None) -> Stopped:
            return super().astimezone(tz)  # type: ignore[arg-type, return-value]

    monkeypatch.setattr("tui.app.fleet.screen.datetime", Local)


@pytest.mark.usefixtures("sizes")
async def test_fleet() -> None:
    told = answers()
    told.sends = []
    told.hold("fleet")
    async with fleet(told, size=DRAWN[-1]) as (walk, screen):
        for part in (*WORKSPACES[:3], workspace("ws-far", "reading"), row(), DEGRADED):
            screen.take(part)
        screen.take({**UNKNOWN, "pending": ["requests", "errors", "p95_ms"]})
        await pictures(walk, "fleet-reading", "reading 3 of 4 workspaces", "pricing")
    async with fleet(answers(), size=DRAWN[-1], readonly=True) as (walk, screen):
        await filled(walk, screen, 5)
        await pictures(walk, "fleet-read", "read-only", "fraud-scoring", standard=True)
        await walk.press("t")
        await pictures(walk, "fleet-refused", "! Read-only")
        await walk.press("down", *["right"] * 8, "s")
        await pictures(walk, "fleet-columns", "▼Cost/hour", "Ends")
        await walk.press("u")
        await pictures(walk, "fleet-unread", "It did not answer within 15 s.")
        await walk.press("escape", "d")
        await pictures(walk, "fleet-diff", "by autoscale")
        await walk.press("escape", "h")
        await pictures(walk, "fleet-history", "Deployed blue.")
        await walk.press("escape", "ctrl+o")
        await pictures(walk, "fleet-menu", "Troubleshoot")


@pytest.mark.usefixtures("sizes")
async def test_fleet_of_many() -> None:
    async with fleet(Fleet([*WORKSPACES, *many(500)]), size=DRAWN[-1]) as (walk, screen):
        await filled(walk, screen, 500)
        await walk.press("pagedown", "pagedown", "slash", *"ws-3", "enter")
        await pictures(walk, "fleet-many", "match the filter")


async def test_fleet_in_other_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        walk.app.theme = LIGHT.name
        await expect(walk, "fleet-light")
        legible(walk, "fleet-light")
    monkeypatch.setenv("NO_COLOR", "1")
    async with fleet(Fleet([*WORKSPACES, *SOME])) as (walk, screen):
        await filled(walk, screen, 5)
        await expect(walk, "no-colour-fleet")


def test_a_refresh_writes_next_to_nothing_while_nothing_changes(home: Path) -> None:
    env = {**os.environ, "AML_DEPLOY_HOME": str(home), "TERM": "xterm-256color",
           "PYTHONPATH": str(Path(__file__).parents[3])}  # fmt: skip
    terminal = Terminal([sys.executable, "-m", "tests.app.fleet.idle"], env)

    def refreshed(before: str = "never") -> str:
        """The time of a refresh after this one."""
        shown = terminal.sees(rf"5 endpoints in 4 of 6 workspaces, read (?!{before})[0-9]")
        return shown.partition(", read ")[2][:8]

    try:
        second = refreshed(refreshed())
        before = terminal.got
        refreshed(second)
        assert 0 < terminal.got - before < MOST * REFRESH_SECONDS
        terminal.types(b"\x1b[B")
        terminal.sees("12 of 400 requests")
    finally:
        terminal.types(CONTROL_C + CONTROL_C)
        os.waitpid(terminal.pid, 0)
