"""A one-row text field that uses only keys a browser leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding
from textual.message import Message
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
    """Textual's Input without border, blinking, or the keys that browsers reserve (ctrl+w and others).

    On focus the value is selected, so that the first key replaces it; a click puts the caret where it points.
    """

    @dataclass
    class Dropped(Message):
        """Only the first of several pasted lines was kept; `words` say so."""

        words: str

    BINDINGS: ClassVar = [
        replace(one, id=f"input.{one.action}", tooltip=one.description)
        for one in Input.BINDINGS
        if isinstance(one, Binding) and one.action in KEPT
    ]

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, compact=True, **options)
        self.cursor_blink = False

    def _on_paste(self, event: events.Paste) -> None:
        """Choose what Textual's own handler, which is called next, inserts of several lines."""
        lines = [line for line in event.text.splitlines() if line.strip()]
        if self.password:  # a secret that was folded by where it was copied from
            lines = ["".join(line.strip() for line in lines)]
        if len(lines) > 1:
            self.post_message(self.Dropped(f"! Kept the first of {len(lines)} pasted lines."))
        event.text = lines[0] if lines else ""
