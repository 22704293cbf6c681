"""The table of all endpoints: draws only the visible lines, and repaints only those that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.app.fleet.row_actions import ACTIONS, TABLE, Row, bindings
from tui.common.cell_width import cut, fit, rjust
from tui.helper import fleet_report as words

FROZEN = 2  # columns that stay while the others move: health and endpoint
SQUEEZED = 7  # that many columns are made narrower to be in view; the others only come where all texts have room
LEAST = {
    "endpoint": 15,
    "workspace": 9,
    "traffic": 10,
    "errors": 7,
    "ends": 16,
    "deployments": 12,
    "subscription_name": 12,
}
MOST = {"endpoint": 32, "workspace": 24, "traffic": 28, "ends": 40, "deployments": 40, "subscription_name": 30}
RIGHT = ("requests", "errors", "p95_ms", "cost_per_hour", "key_age_days")  # numbers
CURSOR, CHANGED = ">", "*"
LOOKS = {"✖": "fleet--bad", "!": "fleet--doubtful", "✔": "fleet--good"}


def text_of(row: Row, key: str) -> str:
    """Return a cell's text; health has a sign before its word."""
    text = words.cell(row, key)
    return f"{words.SIGNS.get(text, '▸')} {text}" if key == "health" else text


class FleetTable(ScrollView, can_focus=True):
    """Shows a row an endpoint below a row of headings that does not scroll.

    Left and right choose a column, whose heading is inverted; columns beyond the width come into view then. The cursor
    stays on its endpoint when rows come, go or change places; until `settled`, it stays on the first row instead.

    Neither a DataTable, which measures every cell and stalls on wide columns, nor an OptionList, which keeps a visual
    for each row.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "fleet--head", "fleet--cursor", "fleet--quiet", "fleet--good", "fleet--doubtful", "fleet--bad",
    }  # fmt: skip
    BINDINGS: ClassVar = [
        *bindings((*ACTIONS, *TABLE)),
        Binding("up", "move(-1)", "Up", show=False, id="fleet.up", tooltip="The row above."),
        Binding("down", "move(1)", "Down", show=False, id="fleet.down", tooltip="The row below."),
        Binding("pageup", "page(-1)", "Page up", show=False, id="fleet.pageup", tooltip="A page up."),
        Binding("pagedown", "page(1)", "Page down", show=False, id="fleet.pagedown", tooltip="A page down."),
        Binding("home", "move(-100000)", "First", show=False, id="fleet.first", tooltip="The first row."),
        Binding("end", "move(100000)", "Last", show=False, id="fleet.last", tooltip="The last row."),
        Binding("left", "column(-1)", "Left", show=False, id="fleet.left", tooltip="The column to the left."),
        Binding("right", "column(1)", "Right", show=False, id="fleet.right", tooltip="The column to the right."),
    ]

    class Marked(Message):
        """Another row is under the cursor, or it changed."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()
        self.settled = False
        self.column = "health"  # the chosen column
        self.empty_text = ""
        self._order = ("health", False)
        self._index = 0
        self._known: dict[str, Row] = {}  # the rows that `_cells` and `_strips` were made of
        self._cells: dict[str, dict[str, str]] = {}
        self._natural = {column.key: len(column.title) for column in words.COLUMNS}
        self._first = FROZEN  # the first of the columns that move
        self._shown: list[tuple[words.Column, int]] = []  # with their widths
        self._strips: dict[tuple[str, bool], Strip] = {}
        self._drawn: dict[int, Strip] = {}  # by line of the screen
        self._looks: dict[str, Style] = {}

    @property
    def marked(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self._index] if self._index < len(self.rows) else None

    def show(self, rows: Sequence[Row], key: str, reverse: bool) -> None:
        """Show these rows in this order, which is that of the column `key`."""
        at, line = self.marked, self._index - self.scroll_offset.y
        same = at is not None and self.settled
        self.rows, self._order = rows, (key, reverse)
        wider = False
        for row in rows:
            if self._known.get(row["id"]) is not row:
                wider = self._measure(row) or wider
        found = (number for number, row in enumerate(rows) if at is not None and row["id"] == at["id"])
        self._index = next(found, min(self._index, max(len(rows) - 1, 0))) if same else 0
        if wider or not self._shown:
            self._lay_out()
        if self.virtual_size.height != len(rows) + 1:
            self.virtual_size = Size(0, len(rows) + 1)
        # The cursor keeps its line on the screen; a table whose first row is in view stays there if it can.
        top = max(self._index - line, 0) if self.scroll_offset.y else 0
        self._scroll(top)
        self._repaint()
        self.post_message(self.Marked())

    def mark(self, key: str) -> None:
        """Move the cursor to the endpoint with this id, if it is shown."""
        at = next((number for number, row in enumerate(self.rows) if row["id"] == key), self._index)
        self.action_move(at - self._index)

    def _measure(self, row: Row) -> bool:
        """Take a row's texts; return whether one is wider than its column was."""
        key = str(row["id"])
        cells = {column.key: text_of(row, column.key) for column in words.COLUMNS}
        self._known[key], self._cells[key] = row, cells
        self._strips.pop((key, True), None)
        self._strips.pop((key, False), None)
        wider = False
        for name, text in cells.items():
            width = min(cell_len(text), MOST.get(name, 20))
            if width > self._natural[name]:
                self._natural[name], wider = width, True
        return wider

    def _lay_out(self) -> None:
        """Choose the columns that fit, and their widths: as wide as their texts while there is room."""
        columns = words.COLUMNS
        left = self.scrollable_content_region.width - 2  # the cursor, and the mark that there is more to the right

        def least(column: words.Column) -> int:
            return min(LEAST.get(column.key, 99), self._natural[column.key])

        def fitting(first: int) -> list[words.Column]:
            found: list[words.Column] = []
            squeezed = whole = 0
            for column in (*columns[:FROZEN], *columns[first:]):
                squeezed += least(column) + 1
                whole += self._natural[column.key] + 1
                if (squeezed if len(found) < SQUEEZED else whole) > left and found:
                    break
                found.append(column)
            return found

        while self._first > FROZEN and len(fitting(self._first - 1)) == FROZEN + len(columns) - self._first + 1:
            self._first -= 1  # no room is left empty after the last column
        shown = fitting(self._first)
        room = left - sum(least(column) + 1 for column in shown)
        self._shown = []
        for column in shown:
            more = max(min(self._natural[column.key] - least(column), room), 0)
            room -= more
            self._shown.append((column, least(column) + more))
        self._strips.clear()

    # Moving

    def action_move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        self.settled = True
        self._go(self._index + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a page."""
        self.action_move(by * max(self.size.height - 2, 1))

    def action_column(self, by: int) -> None:
        """Choose the column to the left or right, from the last to the first and back."""
        names = [column.key for column in words.COLUMNS]
        at = (names.index(self.column) + by) % len(names)
        self.column = names[at]
        if at < FROZEN:
            self._first = FROZEN
        elif self.column not in [column.key for column, _ in self._shown]:
            self._first = at
        self._lay_out()
        self._repaint()

    def _go(self, index: int) -> None:
        self._index = max(min(index, len(self.rows) - 1), 0)
        self._scroll(self.scroll_offset.y)
        self._repaint()
        self.post_message(self.Marked())

    def _scroll(self, top: int) -> None:
        """Scroll to this row, or as far from it as the cursor stays in view."""
        page = max(self.size.height - 1, 1)
        top = max(min(top, self._index), self._index - page + 1, 0)
        top = min(top, max(len(self.rows) - page, 0))
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True, force=True)

    async def on_click(self, event: events.Click) -> None:
        """Sort by a heading, go to a row, or open the one under the cursor."""
        if event.y > 0:
            index, before = self.scroll_offset.y + event.y - 1, self._index
            if index < len(self.rows):
                self.action_move(index - before)
                if index == before:
                    await self.run_action("screen.do('troubleshoot')")
            return
        right = 1
        for column, width in self._shown:
            right += width + 1
            if event.x < right:
                self.column = column.key
                await self.run_action("screen.sort")
                break

    def on_resize(self) -> None:
        """Adapt the columns to the width."""
        self._lay_out()
        self.call_after_refresh(self._go, self._index)

    def on_focus(self) -> None:
        self._repaint()

    def on_blur(self) -> None:
        self._repaint()

    # Drawing

    def notify_style_update(self) -> None:
        """Read the styles again after a theme change."""
        super().notify_style_update()
        self._looks = {}
        self._strips.clear()

    def _repaint(self) -> None:
        """Repaint the lines that look different now."""
        for y in range(self.size.height):
            if self._line(y) != self._drawn.get(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        self._drawn[y] = strip = self._line(y)
        return strip

    def _line(self, y: int) -> Strip:
        if not self._looks:
            names = ("", *self.COMPONENT_CLASSES)
            base = self.rich_style
            self._looks = {name: base + self.get_component_rich_style(name) if name else base for name in names}
        if y == 0:
            return self._head()
        index, width = self.scroll_offset.y + y - 1, self.scrollable_content_region.width
        if index < len(self.rows):
            return self._strip(self.rows[index], index == self._index)
        if index == 0 and self.empty_text:
            quiet = self._looks["fleet--quiet"]
            return Strip([Segment(cut(f" {self.empty_text}", width), quiet)]).adjust_cell_length(width, quiet)
        return Strip.blank(width, self._looks[""])

    def _head(self) -> Strip:
        look = self._looks["fleet--head"]
        segments = [Segment("‹" if self._first > FROZEN else " ", look)]
        for column, width in self._shown:
            arrow = ("▲" if self._order[1] else "▼") if column.key == self._order[0] else " "
            chosen = column.key == self.column and self.has_focus
            gap = max(width - len(column.title), 0) if column.key in RIGHT else 0  # the arrow is next to the title
            segments += [
                Segment(" " * gap + arrow, look),
                Segment(fit(column.title, width - gap), look + Style(reverse=True) if chosen else look),
            ]
        width = self.scrollable_content_region.width
        strip = Strip(segments).adjust_cell_length(width, look)
        if self._shown and self._shown[-1][0] is not words.COLUMNS[-1]:
            return Strip([*strip.crop(0, width - 1), Segment("›", look)])
        return strip

    def _strip(self, row: Row, marked: bool) -> Strip:
        key = str(row["id"])
        found = self._strips.get((key, marked))
        if found is None:
            found = self._strips[key, marked] = self._draw(row, self._cells[key], marked)
        return found

    def _draw(self, row: Row, cells: Mapping[str, str], marked: bool) -> Strip:
        base = self._looks["fleet--cursor" if marked else ""]
        quiet = base if marked else self._looks["fleet--quiet"]
        changed = row.get("changed") or ()
        segments = [Segment(CURSOR if marked else " ", base)]
        for column, width in self._shown:
            text = cells[column.key]
            look = quiet if text in (words.UNKNOWN, words.READING, words.NONE, "0") else base
            if column.key == "health" and not marked:
                look = self._looks[LOOKS.get(text[0], "fleet--quiet")]
            if column.key in changed:
                look = look + Style(bold=True)
            if column.key in RIGHT:  # errors without their share where that has no room
                text = rjust(text if cell_len(text) <= width else cut(text.partition(" (")[0], width), width)
            segments += [Segment(CHANGED if column.key in changed else " ", look), Segment(fit(text, width), look)]
        return Strip(segments).adjust_cell_length(self.scrollable_content_region.width, base)
