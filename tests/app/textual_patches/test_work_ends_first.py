"""A worker ends before the widgets it uses are removed."""

from __future__ import annotations

import asyncio

import pytest
from textual import work
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static
from textual.worker import WorkerFailed

from tui.app.textual_patches.work_ends_first import WorkEndsFirst


class Parent(Vertical):
    """Looks up its child as soon as that is gone, as a worker does that awaited something meanwhile."""

    def compose(self) -> ComposeResult:
        yield Static("child", id="child")

    def on_mount(self) -> None:
        self.child_is_gone = asyncio.Event()
        self.use_child()

    @work
    async def use_child(self) -> None:
        await self.child_is_gone.wait()
        self.query_one("#child")

    async def on_unmount(self) -> None:
        self.child_is_gone.set()
        for _ in range(5):  # the worker has its turn
            await asyncio.sleep(0)


class Bare(App[None]):
    """Textual as it is."""

    def compose(self) -> ComposeResult:
        with Vertical(id="outer"):
            yield Parent()


class Ours(WorkEndsFirst, Bare):
    """Textual with the override."""


async def test_textual_still_removes_children_before_it_ends_their_parents_work() -> None:
    with pytest.raises(WorkerFailed, match="NoMatches"):  # once nothing fails here, the override can go
        async with Bare().run_test() as pilot:
            await pilot.app.query_one("#outer").remove()


@pytest.mark.parametrize("by", ["removal", "exit"])
async def test_the_work_ends_first(by: str) -> None:
    async with Ours().run_test() as pilot:
        if by == "removal":
            await pilot.app.query_one("#outer").remove()
            assert not pilot.app.workers
