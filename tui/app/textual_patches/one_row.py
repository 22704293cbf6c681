"""Avoids a layout of the whole screen for each letter typed into a one-row text field.

Overrides `Widget.virtual_size` of Textual 8.2.8, because of an observed behaviour: each change of it triggers a layout
of the whole screen, for scroll bars, and a field changes it with every letter. No upstream report is known.
"""

from __future__ import annotations

from textual.geometry import Size
from textual.reactive import Reactive


class OneRow:
    """Mixin for one-row fields: a longer text does not trigger a layout of the screen."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
