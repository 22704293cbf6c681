"""Lays out screens for the terminal's newest size only.

Overrides `Screen._screen_resized` of Textual 8.2.8, because of an observed behaviour: after two resizes at once, the
screen alternates between the two layouts forever. No upstream report is known.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.screen import Screen

from tui.app.textual_patches.front_widgets import FrontWidgets


class NewestSize(FrontWidgets):
    """Mixin for screens: ignores resize events for a size that the terminal no longer has.

    Textual lays a screen out for each size it receives, and sends the screen its new size again. Two queued sizes, as
    when a window is dragged or a link is slow, then trigger each other forever.
    """

    def _screen_resized(self, size: Size) -> None:
        if size == self.app.size:  # type: ignore[attr-defined]
            super()._screen_resized(size)  # type: ignore[misc]


class BottomScreen(NewestSize, Screen[None]):
    """The empty screen at the bottom of the screen stack."""
