"""A list that works without a size: hidden, in a screen that is just being opened, or in a terminal that is too small.

Overrides two methods of `OptionList` of Textual 8.2.8, because of observed behaviours. `_move_page`: the lines are not
known yet, and the keys end the application with a KeyError. `get_content_height`: an entry with a word wider than no
column at all ends it with a ValueError. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual import widgets
from textual.geometry import Size


class OptionList(widgets.OptionList):
    """Textual's list; a page of a list without a size is nothing."""

    def _move_page(self, direction: Any) -> None:
        if self._index_to_line:
            super()._move_page(direction)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        padding = self.get_component_styles("option-list--option").padding.width
        return super().get_content_height(container, viewport, max(padding + 1, width))
