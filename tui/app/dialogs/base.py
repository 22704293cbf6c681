"""The base of all dialogs: a title, a few sentences, a row of buttons. Esc closes it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.app.state.action import Action
from tui.app.textual_patches.dismiss_in_turn import DismissInTurn
from tui.app.textual_patches.newest_size import NewestSize
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.screen_keys import MENU, MOVING
from tui.app.widgets.waiting import Said


class Box(Vertical):
    """The framed content of a dialog, with its title; `classes` are CSS classes such as -wide."""

    def __init__(self, title: str, *children: Widget, classes: str = "") -> None:
        super().__init__(*children, classes=f"dialog {classes}")
        self.border_title = title


class Results(VerticalScroll):
    """What a dialog finds out; it takes the focus only when it has content."""

    def allow_focus(self) -> bool:
        return super().allow_focus() and self.size.height > 0

    def on_resize(self) -> None:
        """Give the focus away when the content is gone."""
        if self.has_focus and not self.size.height:
            self.screen.focus_next()


def says(text: str = "", id: str | None = None) -> Said:
    """Create a paragraph of a dialog."""
    return Said(text, id=id, classes="says")


def buttons(*row: Button) -> Horizontal:
    """Create the row of buttons at the bottom of a dialog."""
    return Horizontal(*row, classes="row")


def close_button(label: str = "Close", **options: Any) -> Button:
    """Create the button that closes a dialog without a result, as Esc does."""
    return Button(label, id="close", compact=True, action="screen.close", **options)


class Dialog(NewestSize, DismissInTurn, ModalScreen[ScreenResultType], inherit_bindings=False):
    """Base class of dialogs: Esc closes it, left and right move between its buttons."""

    BINDINGS: ClassVar = [
        *MOVING,
        replace(MENU, show=False),
        Binding("ctrl+c", "app.leave", "Quit", show=False, priority=True, id="dialog.leave",
                tooltip="Quit the wizard."),
        Binding("escape", "close", "Close", id="dialog.close", tooltip="Close this and go back."),
        Binding("left", "app.focus_previous", "Left", show=False, id="dialog.left", tooltip="The button to the left."),
        Binding("right", "app.focus_next", "Right", show=False, id="dialog.right", tooltip="The button to the right."),
    ]  # fmt: skip

    HARMLESS: ClassVar[str] = "#close"
    """The selector of the button that changes nothing."""

    _asked: Button | None = None  # the button that was pressed once, and its label before
    _label: Any = ""

    def action_close(self) -> None:
        """Close without a result."""
        self.dismiss(None)

    def menu(self) -> list[Action]:
        """Return the buttons and fields: choosing one moves the focus there, and does not press it.

        The menu must not answer what a dialog asks in passing; everything else is found once it is closed.
        """
        found = []
        for widget in self.focus_chain:
            label = str(widget.label if isinstance(widget, Button) else getattr(widget, "placeholder", ""))
            if label:
                about = str(widget.tooltip or "Move the focus there; nothing is pressed.")
                found.append(Action(label, about, partial(self.set_focus, widget)))
        what = "Close this dialog, as Esc does, and open the menu of what is below."
        return [*found, Action("Close this and search everything", what, self._close_and_search)]

    def _close_and_search(self) -> None:
        self.action_close()
        self.app.call_later(self.app.run_action, "menu")

    def confirmed(self, button: Button, yes: str, question: str) -> bool:
        """Whether this button was pressed a second time.

        The first press shows the question, labels the button `yes`, and moves the focus to the harmless button, so that
        a second Enter changes nothing.
        """
        again = self._asked is button
        self.take_back()
        if not again:
            self._asked, self._label = button, button.label
            button.active_effect_duration = 0  # Textual drops a second press while this effect lasts
            button.label = yes
            button.refresh(layout=True)
            self.say(question)
            self.set_focus(self.query_one(self.HARMLESS))
        return again

    def take_back(self) -> None:
        """Take back a question that was not answered."""
        if self._asked is not None:
            self._asked.label = self._label
            self._asked.refresh(layout=True)
        self._asked = None

    @on(TextInput.Dropped)
    def _dropped(self, event: TextInput.Dropped) -> None:
        self.say(event.words)

    def say(self, words: str) -> None:
        """Show a line in the widget `#said`; does nothing if the dialog is already closing, as with a late answer."""
        for said in self.query("#said").results(Static):
            said.update(words)
