"""The menu: everything that can be done here, in words."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog
from tui.app.steps.step_pane import Action

BELOW = 4  # rows: the frame, and the sentence below the list
WIDTH = 70  # columns of the list, with a scroll bar, in a terminal of 80


class MenuScreen(Dialog[Action]):
    """Lists actions; dismissed with the one to carry out, or None."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.entries = actions

    def compose(self) -> ComposeResult:
        wide = max(cell_len(entry.label) for entry in self.entries) + 2
        with Box("Menu", classes="-menu") as dialog:
            dialog.border_subtitle = "Enter does it, Esc closes"
            yield OptionList(*(Option(_line(entry, wide)) for entry in self.entries))
            yield Static(self.entries[0].help, id="menu-about", markup=False)

    def on_resize(self) -> None:
        """Leave the rows below the list to the marked one's sentence."""
        self.query_one(OptionList).styles.max_height = max(4, self.app.size.height - BELOW)

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#menu-about", Static).update(self.entries[event.option_index].help)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.entries[event.option_index])


def _line(entry: Action, wide: int) -> Content:
    """Label and sentence in one row; the marked one's sentence is below the list, whole."""
    about = Content(entry.help).truncate(max(20, WIDTH - wide), ellipsis=True).stylize("$text-muted")
    return Content.assemble(set_cell_size(entry.label, wide), about)
