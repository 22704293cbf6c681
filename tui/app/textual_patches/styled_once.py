"""Styles a widget when it is mounted, not each time one of its classes changes before.

Overrides `App.update_styles` of Textual 8.2.8, because of an observed behaviour: a widget that is being made is styled
at once for each class, and again when it is mounted; a text field three times. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.dom import DOMNode


class StyledOnce(App[Any], inherit_bindings=False):
    """Mixin for applications: a node without a parent is not styled yet."""

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        if node.parent is not None or node is self:
            super().update_styles(node, animate)
