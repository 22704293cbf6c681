"""Shows a text in a dialog, which can be copied in three ways: the clipboard, a file, a plain view."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.new_files import write_aside

_SCROLLING = ("scroll_up", "scroll_down", "page_up", "page_down", "scroll_home", "scroll_end")


class TextScreen(Dialog[None]):
    """Shows a text. With `export`, it can be copied, written to a file, or shown outside the alternate screen."""

    AUTO_FOCUS = "#close"

    BINDINGS: ClassVar = [
        Binding("ctrl+y", "copy", "Copy", show=False, id="text.copy", tooltip="Copy the text to the clipboard."),
        # The text also scrolls while a button below it has the focus, as is the case at first.
        *(
            replace(one, action=f"scroll('{one.action}')", id=f"text.{one.action}", tooltip=one.description)
            for one in VerticalScroll.BINDINGS
            if isinstance(one, Binding) and one.action in _SCROLLING
        ),
    ]

    def __init__(
        self, title: str, text: str | Content, *, export: bool = False, wide: bool = False, closes: str = "Close"
    ) -> None:
        super().__init__()
        self.closes = closes
        self.title_shown = title
        self.text = text
        self.export = export
        self.wide = wide

    def compose(self) -> ComposeResult:
        ways = {"copy": "Copy", "write": "Write to a file", "plain": "Plain view"} if self.export else {}
        yield Box(
            self.title_shown,
            VerticalScroll(Static(self.text, markup=False), classes="scroll" if self.wide else "scroll -auto"),
            says(id="said"),
            buttons(
                *(Button(label, id=name, compact=True) for name, label in ways.items()),
                close_button(self.closes, variant="primary"),
            ),
            classes="-wide" if self.wide else "",
        )

    def action_scroll(self, how: str) -> None:
        """Scroll the text with one of its own actions."""
        getattr(self.query_one(VerticalScroll), f"action_{how}")()

    def say(self, words: str) -> None:
        """Show a line below the text; the row is hidden until the first call."""
        self.add_class("-said")
        super().say(words)

    @property
    def plain(self) -> str:
        """Return the text without styles."""
        return self.text.plain if isinstance(self.text, Content) else self.text

    @on(Button.Pressed, "#copy")
    def action_copy(self) -> None:
        """Copy through the terminal (OSC 52)."""
        self.app.copy_to_clipboard(self.plain)
        self.say("Sent to the terminal's clipboard. Some web terminals ignore it; then use one of the other two ways.")

    @on(Button.Pressed, "#write")
    def _write(self) -> None:
        write_aside(self, "copied.txt", lambda: f"{self.plain}\n", self.say)

    @on(Button.Pressed, "#plain")
    def _plain(self) -> None:
        from tui.app.dialogs.plain_view import show_plainly

        if not show_plainly(self.app, self.plain):
            self.say("This terminal does not support a plain view; write the text to a file.")
