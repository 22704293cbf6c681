"""Asks again for a secret that was typed when a run started, and kept in memory only."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.widgets.inputs import TextInput
from tui.plan.fields.all_fields import BY_KEY


class SecretScreen(Dialog[str]):
    """Shows one masked field; dismissed with the typed text, or None."""

    def __init__(self, key: str) -> None:
        """`key` is the secret's key in the plan."""
        super().__init__()
        self._label = BY_KEY[key].label

    def compose(self) -> ComposeResult:
        yield Box(
            self._label,
            says(
                f"The {self._label.lower()} was typed when this run started and was kept in memory only. Enter it "
                "again; it is passed to the engine through a pipe and never written to disk."
            ),
            TextInput(password=True, id="secret-text", placeholder="not shown"),
            says(id="said"),
            buttons(Button("Resume", id="secret-go", compact=True, variant="primary"), close_button("Cancel")),
        )

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#secret-go")
    def _go(self) -> None:
        typed = self.query_one(TextInput).value.strip()
        if typed:
            self.dismiss(typed)
        else:
            self.say("! Enter the secret first.")
            self.query_one(TextInput).focus()
