"""Asks for confirmation before a rollout in progress is rolled back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.app.dialogs.base import Dialog
from tui.engine.rollout.rollout_view import RolloutView, shares


class RollBackDialog(Dialog[bool]):
    """Explains the rollback; dismissed with whether it was confirmed."""

    def __init__(self, rollout: RolloutView) -> None:
        super().__init__()
        self._rollout = rollout

    def compose(self) -> ComposeResult:
        rollout = self._rollout
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Roll back now?"
            yield Static(
                f"Now: {rollout.split_words}.\nThen: {shares(rollout.before)}, as before the rollout.\n"
                f"The run ends as failed. {rollout.deployment} stays without traffic, and costs until it is removed.",
                classes="says",
                markup=False,
            )
            with Horizontal(classes="row"):
                yield Button("Roll back now", id="back-go", compact=True)
                yield Button("Continue the rollout", id="close", compact=True, variant="primary")

    def on_mount(self) -> None:
        self.query_one(self.HARMLESS).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.dismiss(event.button.id == "back-go")
