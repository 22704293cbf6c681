"""The row of keys at the bottom.

Overrides `Footer.bindings_changed` of Textual 8.2.8, for what is observed there: the footer makes all of its widgets
anew whenever the focus moves. No report of it is known upstream.
"""

from __future__ import annotations

from typing import Any

from textual.screen import Screen
from textual.widgets import Footer


class KeysRow(Footer):
    """Textual's footer, made anew only when it would show something else.

    Textual makes its widgets again whenever the focus moves; of all that is styled while one goes through the steps,
    that was two thirds.
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
