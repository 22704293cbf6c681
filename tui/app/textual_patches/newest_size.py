"""Lays out screens for the terminal's newest size only, and for none in which nothing has room.

Overrides `Screen._screen_resized` and `Screen._refresh_layout` of Textual 8.2.8, because of observed behaviours: after
two resizes at once, the screen alternates between the two layouts forever; and in a terminal of a few columns the
layout of a list or a text ends the application, as a width is 0 or less. No upstream report is known.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.screen import Screen

from tui.app.textual_patches.front_widgets import FrontWidgets
from tui.app.textual_patches.styled_once import NewScreenStyledOnce

LEAST = Size(20, 4)  # columns and rows
INSTEAD = Size(80, 20)  # the size for which a screen is laid out in a smaller terminal, which shows its corner


class NewestSize(FrontWidgets, NewScreenStyledOnce):
    """Mixin for screens: ignores resize events for a size that the terminal no longer has.

    Textual lays a screen out for each size it receives, and sends the screen its new size again. Two queued sizes, as
    when a window is dragged or a link is slow, then trigger each other forever.
    """

    def _screen_resized(self, size: Size) -> None:
        if size == self.app.size:  # type: ignore[attr-defined]
            super()._screen_resized(size)  # type: ignore[misc]

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        tiny = size and (size.width < LEAST.width or size.height < LEAST.height)
        super()._refresh_layout(INSTEAD if tiny else size, scroll)  # type: ignore[misc]


class BottomScreen(NewestSize, Screen[None]):
    """The empty screen at the bottom of the screen stack."""
