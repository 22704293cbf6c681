"""Sizes of the terminal: nothing is cut at 80 by 24, and any other size is taken, however fast it comes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual import events
from textual.geometry import Size
from textual.widgets import Button, Static

from tests.app.everything import answers
from tests.app.panes import Walk, follow, home, wizard
from tests.app.recorded import Recording
from tui.app.dialogs.too_small import TooSmallScreen
from tui.app.steps.step_texts import ORDER, TITLES
from tui.app.widgets.field_row import COLUMNS, FieldRow

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

SHORTENED = {"deploy-links", "path-head", "note"}  # whole in another place: to copy, or in the help


def cut(walk: Walk) -> list[str]:
    """Texts that have less room than they need."""
    found = []
    for widget in walk.app.screen.query("Static, Button").results():
        if not widget.region.area or widget.id in SHORTENED:
            continue
        if isinstance(widget, Button):
            text, room = widget.label.plain, widget.content_size.width
            if len(text) > room:
                found.append(f"{widget.id}: {text!r} in {room}")
        elif isinstance(widget, Static) and not widget.has_class("option"):
            needed = widget.get_content_height(widget.content_size, widget.content_size, widget.content_size.width)
            one_row = str(widget.styles.text_wrap) == "nowrap"
            wide = widget.get_content_width(widget.content_size, widget.content_size) if one_row else 0
            if needed > widget.content_size.height or wide > widget.content_size.width:
                found.append(f"{widget.id}: {str(widget.visual)[:60]!r} in {widget.content_size}")
    columns = COLUMNS[walk.app.screen.has_class("-wide")]
    return [*found, *(row.label for row in walk.app.screen.query(FieldRow) if cell_len(row.label) > columns[0])]


@pytest.mark.slow
@pytest.mark.parametrize("step", ORDER[:-2])
@pytest.mark.parametrize("state", ["well", "refused"])
async def test_no_text_is_cut_at_80_by_24(step: str, state: str) -> None:
    from tui.helper.client import HelperError

    refused = HelperError(
        "The identity may not read this",
        "It has none of the roles Reader, Contributor or AzureML Data Scientist at this scope.",
        "Ask the owner of the subscription for the role Reader on the resource group, then read again.",
        "AuthorizationFailed",
    )
    names = ("workspace", "endpoint", "sizes", "reach", "inspect_model", "check", "changes", "credential_sources")
    given = answers() if state == "well" else answers(**dict.fromkeys(names, refused))
    async with wizard(given) as walk:
        await walk.to(step)
        await walk.pilot.pause(0.2)
        await walk.until(lambda: not cut(walk), lambda: cut(walk), 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("play", [Recording.to_middle, Recording.to_success, Recording.to_failure])
async def test_no_text_of_a_run_is_cut_at_80_by_24(play: Callable[[Recording], None], home: Path) -> None:
    recording = Recording(home, ago=12).engine_lives()
    play(recording)
    async with wizard(answers()) as walk:
        await follow(walk, recording)
        await walk.sees("endpoint")
        await walk.until(lambda: not cut(walk), lambda: cut(walk), 5)  # type: ignore[arg-type]


async def test_sizes_that_come_faster_than_they_are_drawn_settle() -> None:
    async with wizard(answers()) as walk:
        for width, height in ((120, 40), (60, 15), (100, 30), (150, 50), (90, 25), (80, 24)):
            size = Size(width, height)
            walk.app._driver._size = size  # type: ignore[union-attr]
            walk.app.screen.post_message(events.Resize(size, size))
            walk.app.post_message(events.Resize(size, size))
        await walk.sees("step 1 of 9", "Sign in with", "PgDn Next")
        assert walk.app.screen.name == "wizard"


@pytest.mark.slow
async def test_a_hundred_sizes_while_a_run_goes_on(home: Path) -> None:
    recording = Recording(home, ago=3).engine_lives()
    recording.to_middle()
    chance = random.Random(20261122)
    async with wizard(answers()) as walk:
        await follow(walk, recording)
        for number in range(100):
            width, height = chance.randint(20, 200), chance.randint(5, 60)
            size = Size(width, height)
            walk.app._driver._size = size  # type: ignore[union-attr]
            walk.app.post_message(events.Resize(size, size))  # the next one does not wait until this one is drawn
            await asyncio.sleep(0.01)
            if number % 5 == 0:
                recording.log(3 + number / 10, "endpoint", f"line {number} of the log")
            if number % 25 == 24:
                small = width < 80 or height < 20
                await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen) is small, f"{size}")  # noqa: B023
        await walk.pilot.resize_terminal(80, 24)
        await walk.sees("step 8 of 9", "▸ running", "line 95 of the log", "PgUp Back")
        assert all(len(line) <= 80 for line in walk.text().splitlines())


@pytest.mark.slow
async def test_every_step_in_every_size_without_a_mistake() -> None:
    async with wizard(answers()) as walk:
        for step in ORDER:
            await walk.to(step)
            for size in ((80, 20), (200, 60), (99, 30)):
                await walk.pilot.resize_terminal(*size)
                await walk.sees(f"step {ORDER.index(step) + 1} of 9", TITLES[step], "Back")


async def test_nothing_moves_when_the_window_has_its_size_again() -> None:
    """Result lines that broke in a narrow window, and the marked line of the menu."""
    async with wizard(answers(), size=(100, 30)) as walk:
        await walk.sees("Not signed in yet")
        for key in ("escape", "ctrl+o"):
            await walk.press(key, *["down"] * 25)
            await walk.pilot.pause(0.5)
            before = walk.text()
            for size in ((81, 21), (62, 20), (100, 30)):
                await walk.pilot.resize_terminal(*size)
                await walk.until(lambda: walk.app.screen.size == walk.app.size, "the size has been taken")
                await walk.pilot.pause(0.2)
            await walk.until(lambda before=before: walk.text() == before, f"as before:\n{before}\n")  # type: ignore[misc]


async def test_a_step_that_is_shown_again_has_all_its_rows() -> None:
    """What a hidden step has rendered is not kept."""
    async with wizard(answers(), size=(80, 24)) as walk:
        await walk.to("network")
        for number in (5, 4, 3, 2):
            await walk.press("pageup")
            rows = walk.app.screen.query_one(f"#pane-{ORDER[number - 1]}").query(FieldRow)
            await walk.sees(f"step {number} of 9", *(row.label for row in rows if row.display))
