"""A one-row text field that uses only keys a browser leaves alone."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding
from textual.widgets import Input

from tui.app.textual_patches.key_order import OwnKeys
from tui.app.textual_patches.one_row import OneRow


class TextInput(OwnKeys, OneRow, Input, inherit_bindings=False):
    """Textual's Input without border, blinking, or the keys that browsers reserve (ctrl+w and others)."""

    BINDINGS: ClassVar = [
        Binding("left", "cursor_left", "Left", show=False, id="input.left", tooltip="One character to the left."),
        Binding("right", "cursor_right", "Right", show=False, id="input.right", tooltip="One character to the right."),
        Binding("shift+left", "cursor_left(True)", "Select left", show=False, id="input.select_left",
                tooltip="Select one character to the left."),
        Binding("shift+right", "cursor_right(True)", "Select right", show=False, id="input.select_right",
                tooltip="Select one character to the right."),
        Binding("ctrl+left", "cursor_left_word", "Word left", show=False, id="input.word_left",
                tooltip="One word to the left."),
        Binding("ctrl+right", "cursor_right_word", "Word right", show=False, id="input.word_right",
                tooltip="One word to the right."),
        Binding("home,ctrl+a", "home", "Start", show=False, id="input.start", tooltip="To the start of the text."),
        Binding("end,ctrl+e", "end", "End", show=False, id="input.end", tooltip="To the end of the text."),
        Binding("shift+home", "home(True)", "Select to start", show=False, id="input.select_start",
                tooltip="Select to the start of the text."),
        Binding("shift+end", "end(True)", "Select to end", show=False, id="input.select_end",
                tooltip="Select to the end of the text."),
        Binding("backspace", "delete_left", "Delete left", show=False, id="input.backspace",
                tooltip="Delete the character to the left."),
        Binding("delete,ctrl+d", "delete_right", "Delete right", show=False, id="input.delete",
                tooltip="Delete the character to the right."),
        Binding("ctrl+u", "delete_left_all", "Clear", show=False, id="input.clear",
                tooltip="Delete everything to the left of the cursor."),
        Binding("ctrl+k", "delete_right_all", "Clear right", show=False, id="input.clear_right",
                tooltip="Delete everything to the right of the cursor."),
        Binding("enter", "submit", "Done", show=False, id="input.enter", tooltip="Go to the next field."),
        Binding("ctrl+v", "paste", "Paste", show=False, id="input.paste",
                tooltip="Paste the text copied in this wizard."),
    ]  # fmt: skip

    def __init__(self, value: str = "", **options: Any) -> None:
        super().__init__(value, compact=True, select_on_focus=False, **options)
        self.cursor_blink = False
