"""A footer that is rebuilt only when its content changes.

Overrides `Footer.bindings_changed` of Textual 8.2.8, because of an observed behaviour: the footer recreates all its
widgets whenever the focus moves. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class KeysRow(Footer):
    """Textual's footer, rebuilt only when it would show something else.

    Textual recreates its widgets whenever the focus moves; that was two thirds of all styling work while walking
    through the steps.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._shown: list[tuple[Any, ...]] = []

    def bindings_changed(self, screen: Screen[Any]) -> None:
        shown = [
            (binding.key, self.app.get_key_display(binding), binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in screen.active_bindings.values()
            if binding.show
        ]
        if shown != self._shown and self.is_attached and screen is self.screen and self.app.app_focus:
            self._shown = shown
            super().bindings_changed(screen)
