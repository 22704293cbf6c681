"""A dialog over the screen: a title, a few sentences, a row of buttons. Esc closes it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.screen import ModalScreen, ScreenResultType

from tui.app.textual_patches.newest_size import NewestSize
from tui.app.widgets.screen_keys import MOVING


class Dialog(NewestSize, ModalScreen[ScreenResultType], inherit_bindings=False):
    """What every dialog has: Esc closes it, left and right move between its buttons."""

    BINDINGS: ClassVar = [
        *MOVING,
        Binding("ctrl+c", "app.leave", "Leave", show=False, priority=True, id="dialog.leave",
                tooltip="Leave the wizard."),
        Binding("escape", "close", "Close", id="dialog.close", tooltip="Close this and go back."),
        Binding("left", "app.focus_previous", "Left", show=False, id="dialog.left", tooltip="The button to the left."),
        Binding("right", "app.focus_next", "Right", show=False, id="dialog.right", tooltip="The button to the right."),
    ]  # fmt: skip

    def action_close(self) -> None:
        """Close without an answer."""
        self.dismiss(None)
