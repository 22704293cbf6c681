"""The log of a run: many lines, filtered by task or text, following the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.app import figures
from tui.engine.view import LogLine

NAME_WIDTH = 12
LONGEST = 2000  # cells of one line that can be scrolled to


class LogView(ScrollView, can_focus=True):
    """Draws only the lines in sight, straight from the run's own list, so that their number does not matter.

    It follows the end until it is scrolled up, and again from where the end is scrolled to.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--name", "log--hit", "log--bad", "log--empty"}

    class Following(Message):
        """Following was switched on or off by scrolling."""

        def __init__(self, on: bool) -> None:
            super().__init__()
            self.on = on

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lines: Sequence[LogLine] = ()
        self.count = 0
        self.only_task = ""
        self.only_text = ""
        self.following = True
        self.empty_text = "Nothing logged yet."
        self._shown: list[int] = []
        self._widest = 0

    def show(self, lines: Sequence[LogLine], count: int) -> None:
        """Show the first `count` of `lines`; the same list may be handed over again when it has grown."""
        if lines is not self.lines or count < self.count:
            self.lines, self.count, self._shown, self._widest = lines, 0, [], 0
        if count == self.count and self._shown:
            return
        first, self.count = self.count, count
        self._admit(first, count)
        self._resize()

    def filter(self, task: str, text: str) -> None:
        """Show only the lines of a task (empty: of all) that contain a text, in whatever case."""
        if (task, text) == (self.only_task, self.only_text):
            return
        self.only_task, self.only_text = task, text
        self._shown, self._widest = [], 0
        self._admit(0, self.count)
        self._resize()

    def follow(self, on: bool) -> None:
        """Keep the end in sight, or stay where it is."""
        self.following = on
        self._to_end()

    def shown_text(self) -> str:
        """The lines that pass the filter, as plain text."""
        return "".join(f"{_row(self.lines[index])}\n" for index in self._shown)

    @property
    def shown_count(self) -> int:
        """How many lines pass the filter."""
        return len(self._shown)

    def _admit(self, first: int, last: int) -> None:
        wanted = self.only_text.casefold()
        for index in range(first, last):
            entry = self.lines[index]
            if self.only_task and entry.task != self.only_task:
                continue
            if wanted and wanted not in entry.line.casefold():
                continue
            self._shown.append(index)
            if len(entry.line) > self._widest:
                self._widest = len(entry.line)

    def _resize(self) -> None:
        self.virtual_size = Size(min(self._widest, LONGEST) + NAME_WIDTH, max(len(self._shown), 1))
        self._to_end()
        self.refresh()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up stops following; reaching the end starts it again."""
        super().watch_scroll_y(old_value, new_value)
        at_end = new_value >= self.max_scroll_y
        if self.following != at_end and (at_end or new_value < old_value):
            self.following = at_end
            self.post_message(self.Following(at_end))

    def on_resize(self) -> None:
        """Another height keeps the end in sight, once it is known how much fits."""
        self.call_after_refresh(self._to_end)

    def _to_end(self) -> None:
        if self.following:
            # Forced, because the scroll bar that allows scrolling appears only with the next layout.
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)

    def render_line(self, y: int) -> Strip:
        """One line, from the column that is scrolled to."""
        left, top = self.scroll_offset
        width, base = self.size.width, self.rich_style
        quiet = base + self.get_component_rich_style("log--name", partial=True)
        index = top + y
        if index >= len(self._shown):
            if index == 0 and y == 0:
                words = "No line passes the filter." if self.count else self.empty_text
                empty = base + self.get_component_rich_style("log--empty", partial=True)
                return Strip([Segment(figures.cut(words, width), empty)]).adjust_cell_length(width, base)
            return Strip.blank(width, base)
        entry = self.lines[self._shown[index]]
        line = figures.plain(entry.line)[:LONGEST]
        bad = _looks_bad(line)
        look = base + self.get_component_rich_style("log--bad", partial=True) if bad else base
        segments = [Segment(f"{figures.cut(entry.task, NAME_WIDTH - 1):{NAME_WIDTH}}", quiet)]
        at = line.casefold().find(self.only_text.casefold()) if self.only_text else -1
        if at < 0:
            segments.append(Segment(line, look))
        else:
            end = at + len(self.only_text)
            hit = base + self.get_component_rich_style("log--hit", partial=True)
            segments += [Segment(line[:at], look), Segment(line[at:end], hit), Segment(line[end:], look)]
        return Strip(segments).crop_extend(left, left + width, base)


def _row(entry: LogLine) -> str:
    return f"{entry.time}  {entry.task}  {entry.source}  {figures.plain(entry.line)}"


def _looks_bad(line: str) -> bool:
    """Whether a line deserves the eye; only a hint, in colour."""
    head = line[:200].lower()
    return "error" in head or "traceback" in head or "failed" in head
