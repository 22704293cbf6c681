"""Styles a widget when it is mounted, not each time one of its classes changes before, nor again when it is shown.

Overrides `App.update_styles`, `Screen._compose` and `RuleSet.__hash__` of Textual 8.2.8, because of observed
behaviours: a widget that is being made is styled at once for each class, and again when it is mounted; a text field
three times. All widgets of a new screen are styled again when it is shown, and once more when it gets the class for the
terminal's size. And a third of what styling takes are calls to a hash of rules that is the built-in one. No upstream
report is known.
"""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import App
from textual.css.model import RuleSet
from textual.dom import DOMNode
from textual.screen import Screen

RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


class StyledOnce(App[Any], inherit_bindings=False):
    """Mixin for applications: a node without a parent is not styled yet."""

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        if node.parent is not None or node is self:
            super().update_styles(node, animate)


class NewScreenStyledOnce:
    """Mixin for screens: the classes for the size come before the widgets, which are not styled again for being shown."""

    _resumed = False

    async def _compose(self: Any) -> None:
        wide, high = self.app.size
        across = self._get_breakpoint_classes(wide, self.HORIZONTAL_BREAKPOINTS or [])
        down = self._get_breakpoint_classes(high, self.VERTICAL_BREAKPOINTS or [])
        self.add_class(*across, *down)
        await Screen._compose(self)

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        event.refresh_styles, self._resumed = self._resumed, True
