"""The menu: lists every action available on the current screen."""

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

BELOW = 4  # rows: the frame, and the description below the list
WIDTH = 70  # columns of the list, with a scroll bar, in a terminal of 80


class MenuScreen(Dialog[Action]):
    """Lists actions; dismissed with the selected one, or None."""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.entries = actions

    def compose(self) -> ComposeResult:
        wide = max(cell_len(entry.label) for entry in self.entries) + 2
        with Box("Menu", classes="-menu") as dialog:
            dialog.border_subtitle = "Enter: run, Esc: close"
            yield OptionList(*(Option(_line(entry, wide)) for entry in self.entries))
            yield Static(self.entries[0].help, id="menu-about", markup=False)

    def on_resize(self) -> None:
        """Reserve the rows below the list for the highlighted action's description."""
        self.query_one(OptionList).styles.max_height = max(4, self.app.size.height - BELOW)

    @on(OptionList.OptionHighlighted)
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        self.query_one("#menu-about", Static).update(self.entries[event.option_index].help)

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self.entries[event.option_index])


def _line(entry: Action, wide: int) -> Content:
    """Return an action's label and description in one row; the full description is shown below the list."""
    about = Content(entry.help).truncate(max(20, WIDTH - wide), ellipsis=True).stylize("$text-muted")
    return Content.assemble(set_cell_size(entry.label, wide), about)
