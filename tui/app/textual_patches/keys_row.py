"""A footer that is there at once, and rebuilt only when its content changes.

Overrides `Footer.compose` and `Footer.bindings_changed` of Textual 8.2.8, because of observed behaviours: the footer is
empty in the first frame, which is then laid out and drawn again; each of its keys is styled three times; and it
recreates them whenever the focus moves. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer
from textual.widgets._footer import FooterKey


class KeysRow(Footer):
    """Textual's footer, rebuilt only when it would show something else.

    Textual recreates its widgets whenever the focus moves; that was two thirds of all styling work while walking
    through the steps.
    """

    def __init__(self) -> None:
        super().__init__(show_command_palette=False)
        self._shown: list[tuple[Any, ...]] = []

    def compose(self) -> ComposeResult:
        self.set_reactive(Footer._bindings_ready, True)
        self._shown = self._wanted()
        for key in super().compose():
            key.set_reactive(FooterKey.compact, self.compact)  # else it is true until the key is mounted
            yield key

    def _wanted(self) -> list[tuple[Any, ...]]:
        return [
            (binding.key, self.app.get_key_display(binding), binding.description, binding.action, enabled, tooltip)
            for _, binding, enabled, tooltip in self.screen.active_bindings.values()
            if binding.show
        ]

    def bindings_changed(self, screen: Screen[Any]) -> None:
        shown = self._wanted()
        if shown != self._shown and self.is_attached and screen is self.screen and self.app.app_focus:
            super().bindings_changed(screen)
