"""Shows all details of a task, live: its purpose, times, results and log lines."""

from __future__ import annotations

from typing import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.steps.deploy.run_texts import rows_text, task_rows
from tui.app.widgets.facts import Facts
from tui.app.widgets.log_view import LogView

LOOK_SECONDS = 0.5


class TaskDialog(Dialog[str]):
    """Shows a task; dismissed with "retry" if the user asked to retry it."""

    def __init__(self, name: str, snapshot: Callable[[], RunSnapshot], *, retry: bool = False) -> None:
        """`snapshot` returns the latest state of the run; `retry` says whether the task can be retried."""
        super().__init__()
        self._task_name = name
        self._snapshot = snapshot
        self._retry = retry

    def compose(self) -> ComposeResult:
        yield Box(
            f"Task {self._task_name}",
            VerticalScroll(Facts("task-rows"), id="task-facts"),
            LogView(id="task-log"),
            buttons(
                Button("Retry this task", id="task-retry", compact=True),
                Button("Copy", id="task-copy", compact=True),
                close_button(variant="primary"),
            ),
            classes="-wide -task",
        )

    def on_mount(self) -> None:
        log = self.query_one(LogView)
        log.empty_text = "No log lines from this task yet."
        log.filter(self._task_name, "")
        self.query_one("#task-retry").display = self._retry
        self.query_one("#task-retry" if self._retry else "#close").focus()
        self._look()
        self.set_interval(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        snapshot = self._snapshot()
        self.query_one(Facts).show(task_rows(snapshot.view.task(self._task_name), snapshot))
        self.query_one(LogView).show(snapshot.view.logs, snapshot.view.log_count, snapshot.dropped)

    def text(self) -> str:
        """Return the details and the task's log lines, as text to copy."""
        rows, lines = rows_text(self.query_one(Facts).facts), self.query_one(LogView).shown_text()
        return f"Task: {self._task_name}\n{rows}\n{lines}"

    @on(Button.Pressed, "#task-retry")
    def _again(self) -> None:
        self.dismiss("retry")

    @on(Button.Pressed, "#task-copy")
    def _copy(self) -> None:
        text = self.text()
        self.app.copy_to_clipboard(text)
        title = f"Task {self._task_name} (already copied)"
        self.app.push_screen(TextScreen(title, text, export=True, wide=True))
