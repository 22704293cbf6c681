"""The notice shown when the terminal is too small for a step; work continues behind it."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.app.textual_patches.newest_size import NewestSize

COLUMNS, ROWS = 80, 20


def too_small(size: Size) -> bool:
    """Whether a terminal of this size is too small for a step."""
    return size.width < COLUMNS or size.height < ROWS


class TooSmallScreen(NewestSize, ModalScreen[None], inherit_bindings=False):
    """Shown while the terminal is smaller than 80 × 20."""

    BINDINGS: ClassVar = [
        Binding("ctrl+c", "app.leave", "Quit", priority=True, show=False, id="small.leave", tooltip="Quit."),
    ]

    def compose(self) -> ComposeResult:
        yield Static("", markup=False)

    @on(events.ScreenResume)
    @on(events.Resize)
    def say(self) -> None:
        """Show the current and the required size, or go if this is on top and the size suffices."""
        size = self.app.size
        if self.app.screen is self and not too_small(size):
            self.dismiss()
            return
        self.query_one(Static).update(
            f"This terminal has {size.width} columns and {size.height} rows.\n"
            f"The wizard needs {COLUMNS} × {ROWS}: enlarge the window or\n"
            "reduce the font size. Nothing is interrupted."
        )
