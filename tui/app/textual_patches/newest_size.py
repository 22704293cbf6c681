"""Screens that keep to the newest size of the terminal.

Overrides `Screen._screen_resized` of Textual 8.2.8, for what is observed there: after two sizes that came at once, the
screen is laid out for the one and the other without an end. No report of it is known upstream.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.screen import Screen


class NewestSize:
    """For screens: a size that the terminal had before is not laid out any more.

    Textual lays a screen out for each size that it is told, and tells the screen its new size again. Two sizes that
    wait at the same time, as when a window is dragged or a link is slow, then follow each other for ever.
    """

    def _screen_resized(self, size: Size) -> None:
        if size == self.app.size:  # type: ignore[attr-defined]
            super()._screen_resized(size)  # type: ignore[misc]


class BottomScreen(NewestSize, Screen[None]):
    """The empty screen below all others."""
