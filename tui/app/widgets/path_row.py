"""A field for a path, typed or pasted; while it has the focus, a button opens the file picker below it."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Button

from tui.app.state.store import Store
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.help import HelpButton, Topic
from tui.plan.fields.all_fields import Field

BROWSE = Topic("Browse", "Shows files and folders below; Enter selects one. Typing the path is faster.")


class PathRow(FieldRow):
    """A row whose note is replaced by the button Browse while the row has the focus."""

    @dataclass
    class Browse(Message):
        """The user asked for the file picker."""

        row: PathRow

    def __init__(self, field: Field, store: Store, *, label: str = "") -> None:
        super().__init__(field, store, label=label)
        self.browse = HelpButton(BROWSE, classes="path-browse")
        self.browse.display = False

    def compose(self) -> ComposeResult:
        for widget in super().compose():
            yield widget
            if widget is self._note:
                yield self.browse

    def _show_browse(self, show: bool) -> None:
        self._note.display = not show
        self.browse.display = show

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Show the button while the row has the focus."""
        self._show_browse(True)
        super().on_descendant_focus(event)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Hide the button when the focus leaves the row."""
        super().on_descendant_blur(event)
        self.call_later(self._after_blur)

    def _after_blur(self) -> None:
        focused = self.screen.focused if self.is_attached else None
        # Read from the screen, which knows the focus before the messages about it arrive.
        if self.is_attached and (focused is None or self not in focused.ancestors):
            self._show_browse(False)

    @on(Button.Pressed, ".path-browse")
    def _pressed(self) -> None:
        self.post_message(self.Browse(self))
