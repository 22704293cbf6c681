"""The request of a test call: a text editor that judges the JSON while it is typed."""

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
    "The body that is sent to the scoring URI, as JSON. It is what run() in the scoring script gets.",
    "It starts as the plan's sample request; what is typed here is sent, not saved.",
    '{"data": [{"column": 1}]}',
    link="https://learn.microsoft.com/azure/machine-learning/how-to-authenticate-online-endpoint",
)


class RequestEditor(OwnKeys, TextArea):
    """A plain editor; Tab leaves it. `Judged` follows the last key by a moment."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+y", "screen.copy", "Copy", show=False, id="request.copy", tooltip="Copy the call"),
        Binding("f7", "redo", "Redo", show=False, id="request.redo", tooltip="Do the last undone change again"),
    ]

    @dataclass
    class Judged(Message):
        """What the text is worth: whether it is JSON, and a sentence."""

        good: bool
        words: str

    def __init__(self, **options: Any) -> None:
        super().__init__("", soft_wrap=True, show_line_numbers=True, tab_behavior="focus", compact=True, **options)
        self.cursor_blink = False
        self.filled_with = ""
        self._timer: Timer | None = None

    def topic(self) -> Topic:
        """Help about the request."""
        return TOPIC

    def fill(self, text: str) -> None:
        """Put a sample in, unless somebody has typed something of their own."""
        if self.text.strip() and self.text != self.filled_with:
            return
        self.filled_with = text
        self.load_text(text)
        self._judge()

    def replace_all(self, text: str) -> None:
        """Put another text in the place of all; undo brings back what was there."""
        self.filled_with = text
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor((0, 0))
        self._judge()

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Judge a moment after the last key."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_SECONDS, self._judge)

    def _judge(self) -> None:
        good, words = call_in_words.judge(self.text)
        self.post_message(self.Judged(good, words))
