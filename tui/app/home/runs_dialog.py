"""The dialogs for runs: all of this machine, and what to do with one of them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.home.entries import UNFINISHED, KnownRun, all_runs
from tui.app.state.background import in_thread
from tui.app.text import formatting
from tui.app.textual_patches.option_list import OptionList

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run

STATUS, TIME = 13, 16  # columns


class RunsScreen(Dialog["tuple[str, Run]"]):
    """Lists all runs; dismissed with what to do with one of them."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[KnownRun] = []

    def compose(self) -> ComposeResult:
        yield Box(
            "Runs on this machine",
            OptionList(id="runs"),
            says("▸ Reading the runs …", id="said"),
            buttons(close_button()),
            classes="-wide",
        )

    def on_mount(self) -> None:
        self._read()

    @work(group="read", exclusive=True)
    async def _read(self) -> None:
        try:
            self._runs = await in_thread(all_runs)
        except OSError as error:
            self.say(f"! The state folder cannot be read: {error.strerror or error}.")
            return
        self._show()
        if not self._runs:
            self.say("There are no runs yet.")

    def _show(self) -> None:
        options = self.query_one(OptionList)
        before = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(self._line(run)) for run in self._runs])
        options.highlighted = min(before, len(self._runs) - 1) if self._runs else None

    def on_resize(self) -> None:
        self._show()

    def _line(self, one: KnownRun) -> Content:
        """Two rows, so that no name is cut at 80 columns."""
        room = min(self.app.size.width, 110) - 10 - STATUS - TIME
        first = set_cell_size(one.status, STATUS) + set_cell_size(one.run.endpoint, room)
        place = f"{one.workspace or 'no workspace yet'}, {one.where}"
        second = " " * STATUS + set_cell_size(place, room) + one.took
        return Content.assemble(first, f"{one.began:%Y-%m-%d %H:%M}", "\n", (second, "$text-muted"))

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index < len(self._runs):
            one = self._runs[event.option_index]
            number = formatting.count(len(self._runs), "run")
            self.say(f"{number}; run {one.run.id}: {one.run.endpoint}, {one.run.deployment}, {one.in_words()}")

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.app.push_screen(RunScreen(self._runs[event.option_index]), self._answered)

    def _answered(self, answer: tuple[str, Run] | None) -> None:
        if answer is not None and answer[0] == "discarded":
            self._read()
        elif answer is not None:
            self.dismiss(answer)


class RunScreen(Dialog["tuple[str, Run]"]):
    """Asks what to do with a run; dismissed with attach, edit or discarded."""

    def __init__(self, shown: KnownRun) -> None:
        super().__init__()
        self.shown = shown

    def compose(self) -> ComposeResult:
        run, where = self.shown.run, self.shown.where
        unfinished = self.shown.status in UNFINISHED
        follows = (
            f"Attach follows the run; it can only be resumed in {where}" if unfinished else "Open shows how it went"
        )
        discard = [] if run.alive else [Button("Discard …", id="discard", compact=True)]
        yield Box(
            f"Run {run.id}",
            says(
                f"Endpoint {run.endpoint}, deployment {run.deployment}: {self.shown.in_words()}.\n"
                f"{follows}. Edit opens its plan at step 1, as a copy. Discard removes the run from this machine; what "
                "it created there remains.",
                id="said",
            ),
            buttons(
                Button("Attach" if unfinished else "Open", id="attach", compact=True, variant="primary"),
                Button("Edit", id="edit", compact=True),
                *discard,
                close_button(),
            ),
        )

    @on(Button.Pressed)
    @work(group="answer")
    async def _pressed(self, event: Button.Pressed) -> None:
        run, what = self.shown.run, str(event.button.id)
        if what == "discard":
            question = (
                "! The run's plan, log and journal are deleted from this machine: it can no longer be resumed. What it "
                f"created in {self.shown.where} remains{'' if run.rehearsed else ', and costs'}. Discard it?"
            )
            if not self.confirmed(event.button, "Yes, discard", question):
                return
            self.say("▸ Discarding the run …")
            try:
                await in_thread(shutil.rmtree, run.folder)
            except OSError as error:
                self.say(f"✖ The run cannot be discarded: {error.strerror or error}. Its files are in {run.folder}")
                return
            what = "discarded"
        self.dismiss((what, run))
