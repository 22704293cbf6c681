"""A table of sizes whose columns adapt to the width; Enter selects a size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets.option_list import Option

from tui.app.steps.compute import size_columns
from tui.app.steps.compute.size_columns import GAP, SizeRow
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.help import Topic

MARK, PLAIN = "● ", "  "
LOOK = {True: "$text-success", False: "$text-error", None: "$text-muted"}


class SizeTable(OptionList):
    """Shows one size per row. The pane shows the column headings above it, so that they do not scroll."""

    BINDINGS: ClassVar = [
        Binding("space", "select", "Select", show=False, id="sizes.take", tooltip="Select this size."),
    ]

    @dataclass
    class Heads(Message):
        """The columns have changed; `text` is the line of headings."""

        text: str

    class Marked(Message):
        """Another row is highlighted."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: list[SizeRow] = []
        self.chosen = ""
        self._drawn: object = None

    @property
    def marked(self) -> SizeRow | None:
        """The row under the cursor."""
        return self.rows[self.highlighted] if self.highlighted is not None and self.rows else None

    def pick(self, name: str) -> None:
        """Highlight the row of a size, if listed."""
        names = [row.size.name.lower() for row in self.rows]
        if name.lower() in names:
            self.highlighted = names.index(name.lower())

    def show(self, rows: Sequence[SizeRow], chosen: str) -> None:
        """Show these rows; `chosen` is the plan's size. The cursor keeps its size, or goes to the plan's."""
        self.rows, self.chosen = list(rows), chosen
        self._draw()

    def on_resize(self) -> None:
        """Adapt the columns to the width, and keep the highlighted row visible."""
        self._draw()
        self.call_after_refresh(self.scroll_to_highlight)

    def _draw(self) -> None:
        width = self.scrollable_content_region.width - len(MARK)
        drawn = (width, self.chosen.lower(), self.rows)
        if width < 30 or drawn == self._drawn:
            return
        before = self.marked.size.name if self._drawn and self.marked else self.chosen
        self._drawn = (width, self.chosen.lower(), list(self.rows))
        columns = size_columns.columns(width)
        self.post_message(self.Heads(PLAIN + (" " * GAP).join(size_columns.line(columns))))
        names = [row.size.name.lower() for row in self.rows]
        position = next((names.index(name) for name in (before.lower(), self.chosen.lower()) if name in names), 0)
        top = self.scroll_offset.y
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options([Option(self._line(columns, row)) for row in self.rows])
            self.highlighted = position if self.rows else None
        self.scroll_to(y=top, animate=False)
        self.call_after_refresh(self.scroll_to_highlight)
        self.post_message(self.Marked())

    def _line(self, columns: Sequence[size_columns.Column], row: SizeRow) -> Content:
        *cells, fits = size_columns.line(columns, row)
        chosen = row.size.name.lower() == self.chosen.lower()
        look = "bold" if chosen else "$text-muted" if row.verdict[0] is False else ""
        text = (MARK if chosen else PLAIN) + (" " * GAP).join(cells) + " " * GAP
        return Content.styled(text, look) + Content.styled(fits.rstrip(), LOOK[row.verdict[0]])

    def on_option_list_option_highlighted(self) -> None:
        self.post_message(self.Marked())

    def topic(self) -> Topic | None:
        row = self.marked
        if row is None:
            return None
        name = row.size.name
        disk = f" {row.size.temp_disk_gib} GiB of temporary disk." if row.size.temp_disk_gib else ""
        return Topic(
            name,
            f"{row.fit.reason}{disk} Enter selects this size; Esc leaves the table.",
            value=name,
            link="https://learn.microsoft.com/azure/machine-learning/reference-managed-online-endpoints-vm-sku-list",
        )
