"""Asks how to quit: when a run is in progress, also what happens to it."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, says


class QuitScreen(Dialog[str]):
    """Asks how to quit; dismissed with "leave", "detach" or "stop", or None to stay."""

    HARMLESS = "#stay"

    def __init__(self, under_way: bool, saved: str = "", readonly: bool = False) -> None:
        super().__init__()
        self.readonly = readonly
        self.under_way = under_way
        self.saved = saved

    def compose(self) -> ComposeResult:
        if self.under_way:
            yield Box(
                "A run is in progress",
                says(
                    "Detach: the run continues in the background; return with aml-deploy attach.\n"
                    "Stop and clean up: the run is stopped, and what it created is removed.",
                    id="said",
                ),
                buttons(
                    Button("Detach", id="detach", compact=True, variant="primary"),
                    Button("Stop and clean up …", id="stop", compact=True, disabled=self.readonly),
                    Button("Stay", id="stay", compact=True, action="screen.close"),
                ),
            )
        else:
            yield Box(
                "Quit the wizard?",
                says(self.saved or "Nothing is running."),
                buttons(
                    Button("Quit", id="leave", compact=True, variant="primary"),
                    Button("Stay", id="stay", compact=True, action="screen.close"),
                ),
            )

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        question = "! What the run created is removed, and its callers get errors. This cannot be undone. Stop the run?"
        if event.button.id != "stop" or self.confirmed(event.button, "Yes, stop and clean up", question):
            self.dismiss(event.button.id)
