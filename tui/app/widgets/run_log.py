"""The log of a run with what it can be filtered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, Select

from tui.app.widgets.inputs import TextInput
from tui.app.widgets.log_view import LogView
from tui.engine.view import TASKS, LogLine


class RunLog(Vertical):
    """A row of controls above the lines: task, text, following, saving."""

    class Save(Message):
        """Write the lines shown to a file."""

    class Card(Message):
        """Show the card instead of the log."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._card = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="log-bar"):
            yield Select(
                [(name, name) for name in TASKS],
                prompt="Log of all tasks",
                id="log-task",
                compact=True,
                tooltip="Show only the lines of one task",
            )
            yield TextInput(placeholder="lines with …", id="log-text", tooltip="Show only lines with a text")
            yield Button("Follow: on", id="log-follow", compact=True, tooltip="Keep the newest line in sight, or not")
            yield Button("Save", id="log-save", compact=True, tooltip="Write the lines shown to a file")
            yield Button("Card", id="log-card", compact=True, tooltip="Show again what needs attention")
        yield LogView(id="log")

    def on_mount(self) -> None:
        """There is no card yet."""
        self.offer_card(False)

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def show(self, lines: Sequence[LogLine], count: int) -> None:
        """Show the first `count` of the lines that pass the filter."""
        self.view.show(lines, count)

    def offer_card(self, there: bool) -> None:
        """Whether there is a card to go back to."""
        self.query_one("#log-card", Button).display = there

    def only(self, task: str) -> None:
        """Show the lines of a task alone; asked again, those of all."""
        select = self.query_one("#log-task", Select)
        select.value = Select.NULL if select.value == task else task

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Following is switched here; the rest is for the pane."""
        event.stop()
        if event.button.id == "log-follow":
            self.view.follow(not self.view.following)
            self._show_following()
        elif event.button.id == "log-save":
            self.post_message(self.Save())
        elif event.button.id == "log-card":
            self.post_message(self.Card())

    def on_select_changed(self, event: Select.Changed) -> None:
        """Another task's lines."""
        event.stop()
        self._filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Lines with another text."""
        event.stop()
        self._filter()

    def on_log_view_following(self, event: LogView.Following) -> None:
        """Scrolling has switched following."""
        event.stop()
        self._show_following()

    def _show_following(self) -> None:
        self.query_one("#log-follow", Button).label = "Follow: on" if self.view.following else "Follow: off"

    def _filter(self) -> None:
        task = self.query_one("#log-task", Select).value
        self.view.filter(task if isinstance(task, str) else "", self.query_one("#log-text", Input).value)
