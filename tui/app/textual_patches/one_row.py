"""Text fields of one row, which have nothing to scroll.

Overrides `Widget.virtual_size` of Textual 8.2.8, for what is observed there: each change of it lays the whole screen
out anew, for scroll bars, and a field changes it with every letter. No report of it is known upstream.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive


class OneRow:
    """For fields of one row: a longer text does not lay out the screen anew."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
