"""Only changed cells are written, and the terminal shows what Textual's own full screen would show."""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pyte
import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual._context import visible_screen_stack
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Input

from tests.app.panes import Walk, home
from tests.app.scenes import always_the_same, good_answers
from tui.app.app import WizardApp
from tui.app.textual_patches.changed_cells import cells, transition
from tui.plan.load_save.load import load

__all__ = ["always_the_same", "home"]

SIZES = [(80, 24), (100, 30), (80, 24), (120, 40), (81, 21), (200, 50)]
KEYS = [
    *["tab", "shift+tab", "pagedown", "pageup", "ctrl+o", "ctrl+g", "escape", "escape", "enter", "down", "up"],
    *["a", "漢", "é", "space", "left", "right", "home", "end", "backspace", "delete"],
]
PRIVATE = re.compile(r"\x1b\[[<>=?][0-9;$]*[a-zA-Z]|\x1bP.*?\x1b\\|\x1b\]8;[^\x1b]*\x1b\\")  # not known to pyte


class Seen(HeadlessDriver):
    """Keeps what is written, where a terminal would show it."""

    is_headless = False  # type: ignore[assignment]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.written = ""

    def write(self, data: str) -> None:
        self.written += data


def shown(written: str, size: tuple[int, int], screen: pyte.Screen | None = None) -> list[list[Any]]:
    """What a terminal shows after some output: its cells."""
    terminal = screen or pyte.Screen(*size)
    terminal.reset_mode(7, private=True)  # Textual disables the wrapping of lines
    pyte.Stream(terminal).feed(PRIVATE.sub("", written).replace("\n", "\r\n"))
    return [[terminal.buffer[y][x] for x in range(size[0])] for y in range(size[1])]


class Watched:
    """The wizard, the terminal that has shown all it has written, and what it should show."""

    def __init__(self, app: WizardApp, walk: Walk) -> None:
        self.app = app
        self.walk = walk
        self.terminal = pyte.Screen(*app.size)

    async def settle(self) -> str:
        """Wait until nothing more is written, show it; returns it."""
        driver: Any = self.app._driver
        before = None
        while before != driver.written:
            before = driver.written
            await self.walk.pilot.pause()
            await asyncio.sleep(0.05)
        written, driver.written = driver.written, ""
        shown(written, self.app.size, self.terminal)
        return written

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size; what it shows then is anybody's guess."""
        await self.settle()
        self.terminal = pyte.Screen(width, height)
        shown("?" * (width * height), (width, height), self.terminal)
        await self.walk.pilot.resize_terminal(width, height)

    def differs(self) -> str:
        """Where the terminal shows something else than the full screen; empty if nowhere."""
        app, size = self.app, self.app.size
        visible_screen_stack.set(app._background_screens)
        full = app.screen._compositor.render_full_update().render_segments(app.console)
        right = shown(full, size)
        there = shown("", size, self.terminal)
        wrong = [(x, y) for y in range(size[1]) for x in range(size[0]) if there[y][x] != right[y][x]]
        if not wrong:
            return ""
        x, y = wrong[0]
        return f"{len(wrong)} cells, first {x}, {y}: {there[y][x]} instead of {right[y][x]}\n{self.walk.text()}"


@asynccontextmanager
async def watched(size: tuple[int, int] = (80, 24), **options: Any) -> AsyncIterator[Watched]:
    """The wizard on a preset, on a terminal that is looked at."""
    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), helper=good_answers(), **options)
    app.driver_class = Seen
    async with app.run_test(headless=False, size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "the wizard is ready")
        found = Watched(app, walk)
        await walk.sees("step 1 of 9")
        yield found


@pytest.mark.parametrize(("seed", "light"), [(1, False), (2, True), (3, False)])
async def test_the_terminal_always_shows_the_full_screen(seed: int, light: bool) -> None:
    chosen = random.Random(seed)
    async with watched(light=light) as seen:
        await seen.settle()
        assert not seen.differs()
        done: list[str] = []
        for _ in range(25):
            if chosen.random() < 0.1:
                size = chosen.choice(SIZES)
                done.append(f"{size}")
                await seen.resize(*size)
            else:
                keys = chosen.choices(KEYS, k=chosen.randint(1, 4))
                done += keys
                await seen.walk.press(*keys)
            await seen.settle()
            assert not (wrong := seen.differs()), f"seed {seed}, after {done}: {wrong}"


async def test_what_was_written_before_a_resize_is_not_relied_on() -> None:
    """Made smaller and larger again at once, a terminal has lost cells, and the size is the same as before."""
    async with watched() as seen:
        await seen.settle()
        seen.terminal.reset()
        seen.app.post_message(events.Resize(Size(80, 24), Size(80, 24)))
        await seen.settle()
        assert not seen.differs()


async def test_a_shrunken_terminal_gets_nothing_beyond_its_edge() -> None:
    """What lies beyond would be written over the last column, and taken for shown."""
    async with watched((120, 40)) as seen:
        await seen.resize(80, 24)
        written = await seen.settle()
        places = [int(place) for place in re.findall(r"\x1b\[(?:\d+;)?(\d+)[HG]", written)]
        assert places
        assert max(places) <= 80


async def test_keys_write_little() -> None:
    async with watched() as seen:
        first = len(await seen.settle())
        assert first < 10_000  # the whole screen, once
        total = first
        for step in range(2, 8):
            await seen.walk.press("pagedown")
            await seen.walk.sees(f"step {step} of 9")
            total += len(await seen.settle())
        assert total < 80_000
        await seen.walk.to("endpoint")
        await seen.settle()
        await seen.walk.press("ctrl+o", "escape")
        assert len(await seen.settle()) < 10_000
        while not isinstance(seen.app.focused, Input):
            await seen.walk.press("tab")
        await seen.settle()
        await seen.walk.press("q")
        await seen.settle()  # the first says too that the plan is not saved yet
        await seen.walk.press("q")
        assert 0 < len(await seen.settle()) < 200  # the state of the step may change meanwhile
        await seen.walk.press("tab")
        assert 0 < len(await seen.settle()) < 1_000


def strip(*texts: str) -> Strip:
    return Strip([Segment(text, Style()) for text in texts])


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("ab", ["a", "b"]),
        ("✔ é", ["✔", " ", "é"]),
        ("a漢b", ["a", "漢", "", "b"]),
        ("ae\u0301b", ["a", "e\u0301", "b"]),
        ("漢\u0301", ["漢\u0301", ""]),
        ("a\x07b", ["a\x07", "b"]),
    ],
)
def test_cells_of_a_text(text: str, texts: list[str]) -> None:
    assert [cell for cell, _ in cells(strip(text), ColorSystem.EIGHT_BIT)] == texts


def test_a_sign_of_several_characters_takes_as_many_cells_as_textual_says() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    line = strip("x" + family + "y")
    found = cells(line, ColorSystem.EIGHT_BIT)
    assert len(found) == line.cell_length
    assert "".join(text for text, _ in found) == line.text


@pytest.mark.parametrize(
    ("before", "after", "sequence"),
    [
        ("", "", ""),
        ("", "1;38;5;1", "\x1b[1;38;5;1m"),
        ("38;5;1;48;5;2", "38;5;1;48;5;3", "\x1b[48;5;3m"),
        ("38;2;1;2;3;48;2;4;5;6", "38;2;1;2;9;48;2;4;5;6", "\x1b[38;2;1;2;9m"),
        ("1;31;40", "31;40", "\x1b[0;31;40m"),
        ("91;100", "1;91", "\x1b[0;1;91m"),
        ("97;40", "97;100", "\x1b[100m"),
        ("31", "", "\x1b[m"),
        ("31", "31\nhttps://a", "\x1b]8;;https://a\x1b\\"),
        ("31\nhttps://a", "", "\x1b]8;;\x1b\\\x1b[m"),
    ],
)
def test_only_what_differs_of_a_look_is_set(before: str, after: str, sequence: str) -> None:
    assert transition(before, after) == sequence
