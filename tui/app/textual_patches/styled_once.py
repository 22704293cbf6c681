"""Styles a widget when it is mounted, not each time one of its classes changes before, nor again when it is shown.

Overrides `App.update_styles`, `Screen._compose`, `Stylesheet._parse_rules` and `RuleSet.__hash__` of Textual 8.2.8,
because of observed behaviours: a widget that is being made is styled at once for each class, and again when it is
mounted; a text field three times. All widgets of a new screen are styled again when it is shown, and once more when it
gets the class for the terminal's size. The default styles of a class are parsed again when a widget of a class derived
from it comes. And a third of what styling takes are calls to a hash of rules that is the built-in one. No upstream
report is known.
"""

from __future__ import annotations

from typing import Any

from textual import events
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.screen import Screen

RuleSet.__hash__ = object.__hash__  # type: ignore[method-assign]


class ParsedOnce(Stylesheet):
    """Parses each source once, whatever its rank among the default styles is or becomes."""

    def _parse_rules(
        self, css: str, read_from: Any, is_default_rules: bool = False, tie_breaker: int = 0, scope: str = ""
    ) -> list[RuleSet]:
        rules = super()._parse_rules(css, read_from, is_default_rules, 1, scope)
        for rule in rules:  # nested rules have a multiple of the rank
            rule.tie_breaker = vars(rule).setdefault("multiple", rule.tie_breaker) * tie_breaker
        return rules


class StyledOnce(App[Any], inherit_bindings=False):
    """Mixin for applications: a node without a parent is not styled yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stylesheet = ParsedOnce(variables=self.stylesheet._variables)

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        if node.parent is not None or node is self:
            super().update_styles(node, animate)


class NewScreenStyledOnce:
    """Mixin for screens: the size's classes come before the widgets, which are not styled again when first shown."""

    _resumed = False

    async def _compose(self: Any) -> None:
        wide, high = self.app.size
        across = self._get_breakpoint_classes(wide, self.HORIZONTAL_BREAKPOINTS or [])
        down = self._get_breakpoint_classes(high, self.VERTICAL_BREAKPOINTS or [])
        self.add_class(*across, *down)
        await Screen._compose(self)

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        event.refresh_styles, self._resumed = self._resumed, True
