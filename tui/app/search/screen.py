"""The menu (ctrl+o): a list of what can be done here, and a search for everything else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Callable, ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog
from tui.app.search.rank import Index
from tui.app.state.action import Action
from tui.app.state.background import in_background, in_thread
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.inputs import TextInput

AROUND = 6  # rows: the frame, the text field, and the description below the list
BESIDE = 6  # columns: the frames, the padding, and the scroll bar
WIDEST = 40  # columns of a label; a longer one is cut in the list, and whole in the description
ACROSS = 130  # columns at most
LEAST = 10  # rows of the list, if there are so many
MOST = 50  # entries shown: further ones need another letter


class SearchField(TextInput):
    """The text field, whose keys up and down move in the list."""

    BINDINGS: ClassVar = [
        Binding(key, f"screen.mark('{action}')", words, show=False, id=f"search.{key}", tooltip=f"{words} in the list.")
        for key, action, words in (
            ("up", "cursor_up", "Up"),
            ("down", "cursor_down", "Down"),
            ("pageup", "page_up", "Page up"),
            ("pagedown", "page_down", "Page down"),
            ("home", "first", "First"),
            ("end", "last", "Last"),
        )
    ]


class SearchScreen(Dialog[Action]):
    """Lists actions, and finds others by what is typed; dismissed with the selected one, or None.

    `more` returns further entries; it runs in a thread, once something is typed, because it may read a slow disk.
    `why_not` says why not everything is found.
    """

    def __init__(
        self, entries: Sequence[Action], more: Callable[[], list[Action]] | None = None, why_not: str = ""
    ) -> None:
        super().__init__()
        self.entries: list[Action] = []  # as shown
        self._index = Index()
        self._index.add(entries)
        self._more = more
        self._why_not = why_not
        self._typed = ""
        self._wide, self._across = 20, 60  # columns of the labels, and of the list
        self._fitted = Size(0, 0)
        self._list = OptionList()
        self._list.can_focus = False
        self._about = Static("", id="menu-about", markup=False)

    def compose(self) -> ComposeResult:
        with Box("Menu", classes="-menu") as self._box:
            self._box.border_subtitle = "Enter: run, Esc: close"
            yield SearchField(placeholder="Type to search: actions, fields, plans, runs", id="search")
            yield self._list
            yield self._about
        self._fit()

    async def _look(self, more: Callable[[], list[Action]]) -> None:
        """Add the entries that take time, without moving the mark."""
        began = time.monotonic()
        ticker = self.set_interval(
            1, lambda: self._entitle(f", reading plans and runs {time.monotonic() - began:.0f} s")
        )
        try:
            found = await in_thread(more)
        except OSError as error:
            return self._entitle(f". Plans and runs cannot be read: {error.strerror or error}")
        finally:
            ticker.stop()
        self._entitle("")
        self._index.add(found)
        self._show(self._index.find(self._typed), self.marked)

    def _entitle(self, more: str) -> None:
        self._box.border_title = f"Menu{more}"

    @property
    def marked(self) -> Action | None:
        """The entry under the mark."""
        at = self._list.highlighted
        return self.entries[at] if at is not None else None

    def _show(self, found: list[Action], mark: Action | None = None) -> None:
        """Show these entries, with the mark on the first one or on that which had it."""
        self.entries = found[:MOST]
        with self.prevent(OptionList.OptionHighlighted):
            self._list.set_options([Option(self._line(entry)) for entry in self.entries])
            self._list.highlighted = (self.entries.index(mark) if mark in self.entries else 0) if found else None
        self._explain()

    def _line(self, entry: Action) -> Content:
        """Return an entry's label and description in one row; the whole description is shown below the list."""
        about = Content(entry.help).truncate(self._across - self._wide, ellipsis=True).stylize("$text-muted")
        label = Content(entry.label).truncate(self._wide - 2, ellipsis=True)
        return Content.assemble(label, " " * (self._wide - label.cell_length), about)

    def _fit(self) -> None:
        """Take the room that there is. The list keeps its height whatever is found: a letter repaints only its rows."""
        self._fitted, (width, height) = self.app.size, self.app.size
        self._box.styles.width = across = min(width - 2, ACROSS)
        self._across = across - BESIDE
        listed = self._index.find("")
        self._wide = min(WIDEST, max([20, *(cell_len(entry.label) + 2 for entry in listed)]))
        self._list.styles.height = min(max(len(listed), LEAST), height - AROUND)
        self._show(self._index.find(self._typed), self.marked)

    def on_resize(self) -> None:
        """Fit again, unless `compose` has: a second layout would paint the screen a second time."""
        if self.app.size != self._fitted:
            self._fit()
            self.call_after_refresh(self._list.scroll_to_highlight)

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        marked = self.marked
        if marked is None:
            text = f"Nothing matches. {self._why_not}".strip()
        else:
            cut = cell_len(marked.label) > self._wide - 2
            text = f"{marked.label}: {marked.help}" if cut else marked.help
        self._about.update(text, layout=False)

    @on(TextInput.Changed)
    def _changed(self, event: TextInput.Changed) -> None:
        self._find(event.value)

    def _find(self, typed: str) -> None:
        if typed != self._typed:
            self._typed = typed
            self._show(self._index.find(typed))
            if self._more is not None:
                more, self._more = self._more, None
                in_background(self, partial(self._look, more), group="more")

    def action_mark(self, how: str) -> None:
        """Move the mark in the list."""
        getattr(self._list, f"action_{how}")()

    @on(TextInput.Submitted)
    def _entered(self, event: TextInput.Submitted) -> None:
        self._find(event.value)
        self._list.action_select()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self.dismiss(self.marked)  # the event's index is of the list as it was: further entries may have come
