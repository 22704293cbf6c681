"""The request editor of a test call, which checks the JSON as you type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from tui.app.steps.test import call_in_words
from tui.app.textual_patches.key_order import OwnKeys
from tui.app.widgets.help import Topic

DEBOUNCE_SECONDS = 0.3
TOPIC = Topic(
    "Request",
    "The JSON body sent to the scoring URI, or @ and the path of a file to send, such as an image. It is passed to "
    "run() in the scoring script.",
    "Initially the plan's sample request; changes made here are sent, not saved.",
    '{"data": [{"column": 1}]}',
    link="https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-online-endpoint",
)


class RequestEditor(OwnKeys, TextArea):
    """A plain text editor; Tab leaves it. It posts `Checked` shortly after the last key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "screen.copy", "Copy", show=False, id="request.copy", tooltip="Copy the call."),
        Binding("f7", "redo", "Redo", show=False, id="request.redo", tooltip="Redo the last undone change."),
    ]

    @dataclass
    class Checked(Message):
        """The text was checked: whether it is valid JSON, and a sentence."""

        good: bool
        words: str

    def __init__(self, **options: Any) -> None:
        super().__init__("", soft_wrap=True, show_line_numbers=True, tab_behavior="focus", compact=True, **options)
        self.cursor_blink = False
        self.filled_with = ""
        self._timer: Timer | None = None

    def topic(self) -> Topic:
        return TOPIC

    def fill(self, text: str) -> None:
        """Insert a sample, unless the user has typed something."""
        if self.text.strip() and self.text != self.filled_with:
            return
        self.filled_with = text
        self.load_text(text)
        self._check()

    def replace_all(self, text: str) -> None:
        """Replace the whole text; undo restores the previous one."""
        self.filled_with = text
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor((0, 0))
        self._check()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Check the text shortly after the last key."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_SECONDS, self._check)

    def _check(self) -> None:
        good, words = call_in_words.check_json(self.text)
        self.post_message(self.Checked(good, words))
