"""Leaving: at once when nothing runs; while a run is under way, what becomes of it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.app.dialogs.base import Dialog


class QuitScreen(Dialog[str]):
    """Asks how to leave; dismissed with "leave", "detach" or "stop", or None for staying."""

    def __init__(self, under_way: bool, saved: str = "") -> None:
        super().__init__()
        self.under_way = under_way
        self.saved = saved

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            if self.under_way:
                dialog.border_title = "A run is under way"
                yield Static(
                    "Detach: the run goes on by itself; come back with aml-deploy attach.\n"
                    "Stop and clean up: the run is stopped, and what it created is removed.",
                    classes="says",
                    markup=False,
                )
                with Horizontal(classes="row"):
                    yield Button("Detach", id="detach", compact=True, variant="primary")
                    yield Button("Stop and clean up", id="stop", compact=True)
                    yield Button("Stay", id="stay", compact=True)
            else:
                dialog.border_title = "Leave the wizard?"
                yield Static(self.saved or "Nothing is running.", classes="says", markup=False)
                with Horizontal(classes="row"):
                    yield Button("Leave", id="leave", compact=True, variant="primary")
                    yield Button("Stay", id="stay", compact=True)

    def on_mount(self) -> None:
        self.query(Button).first().focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(None if event.button.id == "stay" else event.button.id)
