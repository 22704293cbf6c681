"""A one-row text field that uses only keys a browser leaves alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual.binding import Binding
from textual.widgets import Input

from tui.app.textual_patches.key_order import OwnKeys
from tui.app.textual_patches.one_row import OneRow

# The actions of Textual's Input whose keys are kept: not those for which it also takes keys of the browser, and none
# that would copy a secret.
KEPT = (
    "cursor_left", "cursor_left(True)", "cursor_left_word", "cursor_right", "cursor_right(True)", "cursor_right_word",
    "home", "home(True)", "end", "end(True)", "delete_left", "delete_left_all", "delete_right", "delete_right_all",
    "submit", "paste",
)  # fmt: skip


class TextInput(OwnKeys, OneRow, Input, inherit_bindings=False):
    """Textual's Input without border, blinking, or the keys that browsers reserve (ctrl+w and others)."""

    BINDINGS: ClassVar = [
        replace(one, id=f"input.{one.action}", tooltip=one.description)
        for one in Input.BINDINGS
        if isinstance(one, Binding) and one.action in KEPT
    ]

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, compact=True, select_on_focus=False, **options)
        self.cursor_blink = False
