"""The notice shown when the terminal is too small for a step; work continues behind it."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.app.textual_patches.newest_size import NewestSize

COLUMNS, ROWS = 80, 20


class TooSmallScreen(NewestSize, ModalScreen[None], inherit_bindings=False):
    """Shown while the terminal is smaller than 80 × 20."""

    BINDINGS: ClassVar = [
        Binding("ctrl+c", "app.leave", "Quit", priority=True, show=False, id="small.leave", tooltip="Quit."),
    ]

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    @on(events.Mount)
    @on(events.Resize)
    def say(self) -> None:
        """Show the current and the required size."""
        size = self.app.size
        self.query_one(Static).update(
            f"This terminal has {size.width} columns and {size.height} rows.\n"
            f"The wizard needs {COLUMNS} × {ROWS}: enlarge the window or\n"
            "reduce the font size. Nothing is interrupted."
        )
