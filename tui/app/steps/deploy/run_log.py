"""A run's log, with controls to filter and search it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Select, Static

from tui.app.state.new_files import write_aside
from tui.app.steps.deploy.follow_run import KEPT_LINES, TRIM_AT
from tui.app.text import formatting
from tui.app.widgets.help import Topic
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.log_view import LogView, as_text
from tui.common.redact import redact
from tui.engine.journal.run_view import TASKS, LogLine

ONLY, FIND = "Filter", "Find"


class RunLog(Vertical):
    """Shows a row of controls above the lines (task, text, follow, save), and a second row while searching.

    The screen handles the buttons for saving and for the card, and lays itself out again for a maximized log.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._tasks: tuple[str, ...] = TASKS
        self._added: list[LogLine] = []
        self._dropped = 0  # of those that were added
        self._finding = False
        self.maximized = False  # whether the log fills the whole pane

    def compose(self) -> ComposeResult:
        with Horizontal(id="log-bar"):
            yield Select(
                [(name, name) for name in TASKS],
                prompt="all tasks",
                id="log-task",
                compact=True,
                tooltip="Show only the lines of one task",
            )
            yield TextInput(placeholder="lines with …", id="log-text", tooltip="The text to filter by or search for")
            yield Button(ONLY, id="log-mode", compact=True,
                         tooltip="Show matching lines only, or find them among the others")  # fmt: skip
            yield Button(
                "Follow: on", id="log-follow", compact=True, tooltip="Follow the newest line, or stop following"
            )
            yield Button("Save", id="log-save", compact=True, tooltip="Save the filtered lines to a file")
            yield Button("Maximize", id="log-larger", compact=True, tooltip="Maximize the log, or restore the tasks")
            yield Button("Card", id="log-card", compact=True, tooltip="Show the error card again")
        with Horizontal(id="log-finding"):
            yield Static(id="log-found", markup=False)
            yield Button("Previous", id="log-previous", compact=True, tooltip="The previous matching line")
            yield Button("Next match", id="log-next", compact=True, tooltip="The next matching line (also: Enter)")
        yield LogView(id="log")

    def on_mount(self) -> None:
        """Hide the card button and the search row at first."""
        for button in self.query(Button):
            button.active_effect_duration = 0  # Textual drops a second press while this effect lasts
        self.offer_card(False)
        self.query_one("#log-finding").display = False

    @property
    def view(self) -> LogView:
        """The widget with the lines."""
        return self.query_one(LogView)

    def topic(self) -> Topic:
        return Topic(
            "Log",
            "The tasks' log lines. Arrows, PgUp and PgDn scroll; scrolling up stops following, End resumes it.",
            "The text filters the lines, or is searched for among them; Enter then goes to the next match.",
        )

    def show(self, lines: Sequence[LogLine], count: int, dropped: int = 0) -> None:
        """Show the first `count` lines, filtered; `dropped` is the number of lines dropped before them."""
        self.view.show(lines, count, dropped)

    def add(self, lines: Iterable[LogLine]) -> None:
        """Show further lines at the end; the oldest ones are dropped if there are very many."""
        self._added += lines
        if len(self._added) > TRIM_AT:
            self._dropped += len(self._added) - KEPT_LINES
            self._added = self._added[-KEPT_LINES:]
        self.show(self._added, len(self._added), self._dropped)

    def offer(self, tasks: tuple[str, ...]) -> None:
        """Offer these tasks as filters."""
        if tasks and tasks != self._tasks:
            self._tasks = tasks
            select = self.query_one("#log-task", Select)
            chosen = select.value
            select.set_options([(name, name) for name in tasks])
            if chosen in tasks:
                select.value = chosen
            self.view.make_room(tasks)

    def offer_card(self, there: bool) -> None:
        """Show or hide the button that returns to the card."""
        self.query_one("#log-card", Button).display = there

    def write(self, name: str, say: Callable[[str], object]) -> None:
        """Write the filtered lines to a file of the state folder; `say` gets where it is, or why not."""
        lines = self.view.shown_lines
        write_aside(self, f"log-{name}.txt", lambda: redact(as_text(lines)), say)

    def only(self, task: str) -> None:
        """Show only the lines of a task; for the same task again, those of all tasks."""
        select = self.query_one("#log-task", Select)
        select.value = Select.NULL if select.value == task else task

    @on(Button.Pressed, "#log-previous")
    def _previous(self) -> None:
        self.view.seek(-1)

    @on(Button.Pressed, "#log-next")
    def _next(self) -> None:
        self.view.seek(1)

    @on(Button.Pressed, "#log-follow")
    def _follow(self) -> None:
        self.view.follow(not self.view.following)
        self._show_following()

    @on(Button.Pressed, "#log-mode")
    def _find(self) -> None:
        self._finding = not self._finding
        self.query_one("#log-mode", Button).label = FIND if self._finding else ONLY
        self._filter()

    @on(Button.Pressed, "#log-larger")
    def _maximize(self) -> None:
        self.maximized = not self.maximized
        self.query_one("#log-larger", Button).label = "Restore" if self.maximized else "Maximize"

    def on_select_changed(self) -> None:
        self._filter()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._filter()

    def on_input_submitted(self) -> None:
        """Go to the next match on Enter, or to the lines."""
        if self._finding:
            self.view.seek(1)
        else:
            self.view.focus()

    def on_log_view_following(self) -> None:
        """Update the button after scrolling has switched following."""
        self._show_following()

    def on_log_view_found(self) -> None:
        """Show the number of matching lines and the position."""
        here, many = self.view.found
        words = formatting.count(many, "line") + f" with “{self.view.sought}”"
        if not many:
            words = f"No line contains “{self.view.sought}”."
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
