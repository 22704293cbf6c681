"""Asks for a secret that was typed when a run began and has to be typed again."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.screen_keys import MOVING
from tui.plan.fields.all_fields import BY_KEY


class SecretScreen(Dialog[str]):
    """One masked field; dismissed with what was typed, or None."""

    # Left and right belong to the text here.
    BINDINGS: ClassVar[list[BindingType]] = [
        *MOVING,
        Binding("ctrl+c", "app.leave", "Leave", show=False, priority=True, id="secret.leave",
                tooltip="Leave the wizard."),
        Binding("escape", "close", "Close", id="secret.close", tooltip="Close this; nothing is started."),
    ]  # fmt: skip

    def __init__(self, key: str) -> None:
        """`key` is the plan's key of the secret."""
        super().__init__()
        self._label = BY_KEY[key].label

    def compose(self) -> ComposeResult:
        yield Box(
            self._label,
            says(
                f"The {self._label.lower()} was typed when this run began. It was kept in memory only, so it is asked "
                "for again; it goes to the engine through a pipe and is written nowhere."
            ),
            TextInput(password=True, id="secret-text", placeholder="not shown"),
            Static(id="secret-said", markup=False),
            buttons(Button("Go on", id="secret-go", compact=True, variant="primary"), close_button("Cancel")),
        )

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#secret-go")
    def _go(self) -> None:
        typed = self.query_one(TextInput).value.strip()
        if typed:
            self.dismiss(typed)
        else:
            self.query_one("#secret-said", Static).update("! Type it first.")
            self.query_one(TextInput).focus()
