"""The log of a run with what it can be filtered by and searched for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, Select, Static

from tui.app.text import formatting
from tui.app.widgets.help import Topic
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.log_view import LogView
from tui.engine.journal.run_view import TASKS, LogLine

ONLY, FIND = "Only these", "Find them"


class RunLog(Vertical):
    """A row of controls above the lines: task, text, following, saving; a second one while a text is looked for."""

    class Save(Message):
        """Write the lines shown to a file."""

    class Card(Message):
        """Show the card instead of the log."""

    class Larger(Message):
        """Give the log the whole pane, or take that back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._tasks: tuple[str, ...] = TASKS
        self._finding = False
        self.larger = False  # whether the log has the whole pane

    def compose(self) -> ComposeResult:
        with Horizontal(id="log-bar"):
            yield Select(
                [(name, name) for name in TASKS],
                prompt="all tasks",
                id="log-task",
                compact=True,
                tooltip="Show only the lines of one task",
            )
            yield TextInput(placeholder="lines with …", id="log-text", tooltip="A text to filter by, or to look for")
            yield Button(ONLY, id="log-mode", compact=True,
                         tooltip="Show only the lines with the text, or find them among the others")  # fmt: skip
            yield Button("Follow: on", id="log-follow", compact=True, tooltip="Keep the newest line in sight, or not")
            yield Button("Save", id="log-save", compact=True, tooltip="Write the lines shown to a file")
            yield Button("Larger", id="log-larger", compact=True, tooltip="The log alone, or the tasks above it again")
            yield Button("Card", id="log-card", compact=True, tooltip="Show again what needs attention")
        with Horizontal(id="log-finding"):
            yield Static(id="log-found", markup=False)
            yield Button("Previous", id="log-previous", compact=True, tooltip="The line with the text before this one")
            yield Button("Next hit", id="log-next", compact=True, tooltip="The next line with the text (also: Enter)")
        yield LogView(id="log")

    def on_mount(self) -> None:
        """There is no card yet, and nothing is looked for."""
        for button in self.query(Button):
            button.active_effect_duration = 0  # while one looks pressed, Textual drops a second press
        self.offer_card(False)
        self.query_one("#log-finding").display = False

    @property
    def view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def topic(self) -> Topic:
        """Help about the log."""
        return Topic(
            "Log",
            "What the tasks say, as it comes. Arrows, PgUp and PgDn scroll; scrolling up stops following, End goes on.",
            "The text filters the lines, or is looked for among them: then Enter goes from one to the next.",
        )

    def show(self, lines: Sequence[LogLine], count: int, dropped: int = 0) -> None:
        """Show the first `count` of the lines that pass the filter; `dropped` are left out before them."""
        self.view.show(lines, count, dropped)

    def offer(self, tasks: tuple[str, ...]) -> None:
        """The tasks whose lines can be shown alone."""
        if tasks and tasks != self._tasks:
            self._tasks = tasks
            select = self.query_one("#log-task", Select)
            chosen = select.value
            select.set_options([(name, name) for name in tasks])
            if chosen in tasks:
                select.value = chosen
            self.view.make_room(tasks)

    def offer_card(self, there: bool) -> None:
        """Whether there is a card to go back to."""
        self.query_one("#log-card", Button).display = there

    def only(self, task: str) -> None:
        """Show the lines of a task alone; asked again, those of all."""
        select = self.query_one("#log-task", Select)
        select.value = Select.NULL if select.value == task else task

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Following and finding are switched here; the rest is for the pane."""
        event.stop()
        pressed: dict[str | None, Callable[[], object]] = {
            "log-follow": self._follow,
            "log-mode": self._find,
            "log-previous": lambda: self.view.seek(-1),
            "log-next": lambda: self.view.seek(1),
            "log-save": lambda: self.post_message(self.Save()),
            "log-larger": self._enlarge,
            "log-card": lambda: self.post_message(self.Card()),
        }
        pressed[event.button.id]()

    def _follow(self) -> None:
        self.view.follow(not self.view.following)
        self._show_following()

    def _find(self) -> None:
        self._finding = not self._finding
        self.query_one("#log-mode", Button).label = FIND if self._finding else ONLY
        self._filter()

    def _enlarge(self) -> None:
        self.larger = not self.larger
        self.query_one("#log-larger", Button).label = "Smaller" if self.larger else "Larger"
        self.post_message(self.Larger())

    def on_select_changed(self, event: Select.Changed) -> None:
        """Another task's lines."""
        event.stop()
        self._filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Lines with another text."""
        event.stop()
        self._filter()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the text: the next line with it, or on to the lines."""
        event.stop()
        if self._finding:
            self.view.seek(1)
        else:
            self.view.focus()

    def on_log_view_following(self, event: LogView.Following) -> None:
        """Scrolling has switched following."""
        event.stop()
        self._show_following()

    def on_log_view_found(self, event: LogView.Found) -> None:
        """There are more lines with the text, or another one is in sight."""
        event.stop()
        here, many = self.view.found
        words = formatting.count(many, "line") + f" with “{self.view.sought}”"
        if not many:
            words = f"No line has “{self.view.sought}”."
        elif here:
            words = f"Line {here:,} of {many:,} with “{self.view.sought}”"
        self.query_one("#log-found", Static).update(words, layout=False)

    def _show_following(self) -> None:
        self.query_one("#log-follow", Button).label = "Follow: on" if self.view.following else "Follow: off"

    def _filter(self) -> None:
        task = self.query_one("#log-task", Select).value
        text = self.query_one("#log-text", Input).value
        only = "" if self._finding else text
        self.view.filter(task if isinstance(task, str) else "", only)
        self.view.search(text if self._finding else "")
        self.query_one("#log-finding").display = self._finding and bool(text)
