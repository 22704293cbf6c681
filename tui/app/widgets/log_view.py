"""A run's log: filters many lines by task or text, and follows the end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.app.text import formatting
from tui.common.cell_width import cut, fit
from tui.engine.journal.run_view import LogLine

NAME_WIDTH, WIDEST_NAME = 12, 22
LONGEST = 2000  # cells of a line that scrolling can reach
_INFORMS = re.compile(r"\b[ID] \[|\b(?:INFO|DEBUG)\b")  # a level below warning
_BAD = re.compile(r"error|traceback|failed", re.IGNORECASE)


class LogView(ScrollView, can_focus=True):
    """Draws only the visible lines, directly from the run's list, so that the number of lines does not matter.

    It follows the end until scrolled up, and again once scrolled to the end. A search highlights a text everywhere, and
    `seek` goes from match to match.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--name", "log--hit", "log--here", "log--bad", "log--empty"}

    @dataclass
    class Following(Message):
        """Following was switched on or off by scrolling."""

        on: bool

    class Found(Message):
        """The lines that match the search have changed, or another match is shown."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lines: Sequence[LogLine] = ()
        self.count = 0
        self.name_width = NAME_WIDTH
        self.dropped = 0  # lines that were dropped before the first of `lines`
        self.only_task = ""
        self.only_text = ""
        self.sought = ""
        self.following = True
        self.empty_text = "Nothing logged yet."
        self._shown: list[int] = []  # indices into `lines`
        self._hits: list[int] = []  # indices into `_shown`
        self._here = -1  # index into `_hits`
        self._height = 0  # the height for which the end was last scrolled into view
        self._widest = 0
        self._looks: dict[str, Style] = {}

    def show(self, lines: Sequence[LogLine], count: int, dropped: int = 0) -> None:
        """Show the first `count` of `lines`; the same list may be passed again when it has grown.

        `dropped` is the number of lines dropped before the first one, to keep the scroll position.
        """
        if lines is not self.lines or count < self.count:
            before = len(self._shown)
            same = bool(self.lines) and dropped > self.dropped
            self.lines, self.dropped, self.count = lines, dropped, 0
            self._admit_all(count)
            self._resize()
            if same and not self.following:
                self.scroll_to(y=max(self.scroll_offset.y - max(before - len(self._shown), 0), 0), animate=False)
            return
        if count == self.count and self._shown:
            return
        first, self.count = self.count, count
        self._admit(first, count)
        self._resize()

    def make_room(self, tasks: Sequence[str]) -> None:
        """Set the width of the task column for these tasks."""
        width = min(max([NAME_WIDTH, *(cell_len(task) + 1 for task in tasks)]), WIDEST_NAME)
        if width != self.name_width:
            self.name_width = width
            self._resize()
            self.refresh()

    def filter(self, task: str, text: str) -> None:
        """Show only the lines of a task (empty: of all tasks) that contain a text, ignoring case."""
        if (task, text) == (self.only_task, self.only_text):
            return
        self.only_task, self.only_text = task, text
        self._admit_all(self.count)
        self._resize()

    def search(self, text: str) -> None:
        """Highlight a text everywhere (empty: nothing); `seek` goes to the matches."""
        if text == self.sought:
            return
        self.sought, self._here = text, -1
        wanted = text.lower()
        lines, shown = self.lines, self._shown
        self._hits = [at for at, index in enumerate(shown) if wanted in lines[index].line.lower()] if wanted else []
        self.refresh()
        self.post_message(self.Found())

    @property
    def found(self) -> tuple[int, int]:
        """The number of the matching line that is shown, from 1 (0: none yet), and how many lines match."""
        return self._here + 1, len(self._hits)

    def seek(self, by: int) -> None:
        """Go to the next or previous matching line, wrapping around at the ends."""
        if not self._hits:
            return
        if self._here < 0:
            top = self.scroll_offset.y
            after = next((number for number, at in enumerate(self._hits) if at >= top), 0)
            self._here = after if by > 0 else (after - 1) % len(self._hits)
        else:
            self._here = (self._here + by) % len(self._hits)
        self._follow_quietly(False)
        line = self._hits[self._here]
        if not self.scroll_offset.y <= line < self.scroll_offset.y + self.size.height:
            self.scroll_to(y=max(line - self.size.height // 2, 0), animate=False, immediate=True, force=True)
        before = formatting.plain(self.lines[self._shown[line]].line).lower().partition(self.sought.lower())[0]
        column = self.name_width + cell_len(before)
        width = self.scrollable_content_region.width
        if column < width - cell_len(self.sought) - 1:
            column = 0
        self.scroll_to(x=max(column - width // 2, 0), animate=False, immediate=True, force=True)
        self.refresh()
        self.post_message(self.Found())

    def follow(self, on: bool) -> None:
        """Follow the end, or stop following."""
        self.following = on
        self._to_end()

    def _follow_quietly(self, on: bool) -> None:
        if self.following != on:
            self.following = on
            self.post_message(self.Following(on))

    @property
    def shown_lines(self) -> list[LogLine]:
        """The filtered lines."""
        return [self.lines[index] for index in self._shown]

    def shown_text(self) -> str:
        """Return the filtered lines, as plain text."""
        return as_text(self.shown_lines)

    @property
    def shown_count(self) -> int:
        """The number of filtered lines."""
        return len(self._shown)

    def _admit_all(self, count: int) -> None:
        self._shown, self._hits, self._widest = [], [], 0
        self.count = count
        here, self._here = self._here, -1
        self._admit(0, count)
        if here >= 0 and self._hits:
            self._here = min(here, len(self._hits) - 1)
        if self.sought:
            self.post_message(self.Found())

    def _admit(self, first: int, last: int) -> None:
        wanted, sought, task = self.only_text.lower(), self.sought.lower(), self.only_task
        shown, hits, widest = self._shown, self._hits, self._widest
        before = len(hits)
        for index in range(first, last):
            entry = self.lines[index]
            line = entry.line
            if task and entry.task != task:
                continue
            if wanted and wanted not in line.lower():
                continue
            if sought and sought in line.lower():
                hits.append(len(shown))
            shown.append(index)
            widest = max(widest, len(line) if line.isascii() else cell_len(line))
        self._widest = widest
        if len(hits) != before:
            self.post_message(self.Found())

    def _resize(self) -> None:
        size = Size(min(self._widest, LONGEST) + self.name_width, max(len(self._shown), 1))
        if size.height > self.virtual_size.height and self.show_vertical_scrollbar:
            # Textual would lay out the whole screen for every line; only the scroll bar needs the new height.
            self.set_reactive(ScrollView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
            if self.following:
                self._to_end()
                self.refresh()
            return
        self.virtual_size = size
        self._to_end()
        self.refresh()
        self.call_after_refresh(self._place_bar)

    def _place_bar(self) -> None:
        """Set the position of a scroll bar that has just appeared: it missed earlier scrolling."""
        if self.is_attached and self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = self.scroll_y

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when scrolled up; start again at the end."""
        super().watch_scroll_y(old_value, new_value)
        if self.size.height != self._height:
            return  # not scrolled by the user: the height has changed, and `on_resize` scrolls to the end
        at_end = new_value >= self.max_scroll_y
        if at_end or new_value < old_value:
            self._follow_quietly(at_end)

    def on_resize(self) -> None:
        """Keep the end in view after a resize, once the layout is known."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._to_end()
        self._height = self.size.height
        self._place_bar()

    def _to_end(self) -> None:
        if self.following:
            # Forced, because the scroll bar that allows scrolling appears only at the next layout.
            self.scroll_end(animate=False, immediate=True, force=True, x_axis=False)

    def notify_style_update(self) -> None:
        """Read the styles again after a theme change."""
        super().notify_style_update()
        self._looks = {}

    def _read_looks(self) -> dict[str, Style]:
        """Return the styles of the parts of a line; computed once rather than per line."""
        base = self.rich_style
        parts = {name: base + self.get_component_rich_style(name, partial=True) for name in self.COMPONENT_CLASSES}
        self._looks = {"": base, **parts}
        return self._looks

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        looks = self._looks or self._read_looks()
        width, base, quiet = self.scrollable_content_region.width, looks[""], looks["log--name"]
        index = top + y
        if index >= len(self._shown):
            if index == 0 and y == 0:
                words = "No lines match the filter." if self.count else self.empty_text
                return Strip([Segment(cut(words, width), looks["log--empty"])]).adjust_cell_length(width, base)
            return Strip.blank(width, base)
        entry = self.lines[self._shown[index]]
        line = formatting.plain(entry.line)[:LONGEST]
        bad = _looks_bad(line)
        look = looks["log--bad"] if bad else base
        segments = [Segment(fit(entry.task, self.name_width - 1) + " ", quiet)]
        text = self.sought or self.only_text
        here = self._here >= 0 and self._hits[self._here] == index
        segments += _marked(line, text, look, looks["log--here" if here else "log--hit"])
        whole = Strip(segments)
        if whole.cell_length > left + width:  # a mark that there is more to the right
            return Strip([*whole.crop(left, left + width - 1), Segment("›", quiet)])
        return whole.crop_extend(left, left + width, base)


def _marked(line: str, text: str, look: Style, hit: Style) -> list[Segment]:
    """Return a line with every occurrence of a text highlighted, ignoring case."""
    if not text:
        return [Segment(line, look)]
    segments, done = [], 0
    for found in re.finditer(re.escape(text), line, re.IGNORECASE):
        segments += [Segment(line[done : found.start()], look), Segment(found.group(), hit)]
        done = found.end()
    return [*segments, Segment(line[done:], look)]


def row_text(entry: LogLine) -> str:
    """Return a log line as it is saved: time, task, source, text."""
    return f"{entry.time}  {entry.task}  {entry.source}  {formatting.plain(entry.line)}"


def as_text(lines: Iterable[LogLine]) -> str:
    """Return log lines as they are saved."""
    return "".join(f"{row_text(line)}\n" for line in lines)


def _looks_bad(line: str) -> bool:
    """Whether a line looks like an error; only used for its colour.

    A line that names a lower level is none, whatever its logger is called: `2025-11-04 09:35:42,638 I [13]
    gunicorn.error - Listening`, as azureml-inference-server-http writes it.
    """
    head = line[:200]
    return not _INFORMS.search(head) and bool(_BAD.search(head))
