"""Asks for confirmation before a rollout in progress is rolled back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.engine.rollout.rollout_view import RolloutView
from tui.plan.traffic import in_words


class RollBackDialog(Dialog[bool]):
    """Explains the rollback; dismissed with True if it was confirmed."""

    AUTO_FOCUS = "#close"

    def __init__(self, rollout: RolloutView) -> None:
        super().__init__()
        self._rollout = rollout

    def compose(self) -> ComposeResult:
        rollout = self._rollout
        yield Box(
            "Roll back now?",
            says(
                f"Now: {rollout.split_words}.\nThen: {in_words(rollout.before)}, as before the rollout.\n"
                f"The run ends as failed. {rollout.deployment} stays without traffic, and costs until it is removed."
            ),
            buttons(
                Button("Roll back now", id="back-go", compact=True),
                close_button("Continue the rollout", variant="primary"),
            ),
        )

    @on(Button.Pressed, "#back-go")
    def _go(self) -> None:
        self.dismiss(True)
