"""A list that ignores PgUp and PgDn until it was laid out.

Overrides `OptionList._move_page` of Textual 8.2.8, because of an observed behaviour: the lines of a list that has no
size yet (hidden, or in a screen that is just being opened) are not known, and the keys end the application with a
KeyError. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual import widgets


class OptionList(widgets.OptionList):
    """Textual's list; a page of a list without a size is nothing."""

    def _move_page(self, direction: Any) -> None:
        if self._index_to_line:
            super()._move_page(direction)
