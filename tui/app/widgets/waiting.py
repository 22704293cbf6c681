"""Shows at least each second that a wait goes on: whatever says that something is under way counts its seconds."""

from __future__ import annotations

import time
from typing import Any, Callable, ClassVar
from weakref import WeakSet

from rich.cells import cell_len
from textual.content import Content
from textual.dom import NoScreen
from textual.errors import NoWidget
from textual.geometry import Region
from textual.timer import Timer
from textual.visual import VisualType
from textual.widget import Widget
from textual.widgets import Static

from tui.app.text import formatting

UNDER_WAY = "▸"  # the sign before words about something that is under way


class Waiting:
    """Counts the seconds during which a widget says that something is under way; `paint` draws it again.

    Of those that can be seen, only the one that has waited longest shows its seconds: one moving number says that the
    screen lives, and several would cost several times as many bytes.
    """

    _going: ClassVar[WeakSet[Any]] = WeakSet()

    def __init__(self, widget: Widget, paint: Callable[[], object]) -> None:
        self._widget = widget
        self._paint = paint
        self._began = 0.0
        self._ticker: Timer | None = None

    def goes_on(self, busy: bool) -> None:
        """Start counting, go on, or stop."""
        if busy and self._ticker is None:
            self._began = time.monotonic()
            self._going.add(self)
            self._ticker = self._widget.set_interval(1, self._tick)
        elif not busy and self._ticker is not None:
            self._ticker.stop()
            self._ticker = None
            self._going.discard(self)

    def _tick(self) -> None:
        if not self._widget.display:
            self.goes_on(False)
        elif self._leads:
            self._paint()

    @property
    def _seen(self) -> bool:
        """Whether the widget can be seen; below a dialog it does not count, as Textual would repaint everything."""
        widget = self._widget
        try:
            return widget.app.screen is widget.screen and bool(widget.screen.find_widget(widget).visible_region)
        except (NoWidget, NoScreen):
            return False

    @property
    def _leads(self) -> bool:
        return self._seen and not any(other._began < self._began and other._seen for other in self._going)

    @property
    def passed(self) -> str:
        """What is appended to the words: ` 12 s`, or nothing during the first second."""
        seconds = time.monotonic() - self._began
        shown = self._ticker is not None and seconds >= 1 and self._leads
        return f" {formatting.running(seconds)}" if shown else ""


class CountingStatic(Static):
    """A text of which only the seconds change meanwhile; `recount` paints nothing else of it."""

    _only: tuple[Region, ...] = ()

    def recount(self, content: Content, layout: bool = False) -> None:
        """Show the text with other seconds; `layout` if its lines may break elsewhere."""
        lines = list(zip(str(self.content).split("\n"), content.plain.split("\n")))
        if not layout and all(cell_len(after) <= self.content_size.width for _, after in lines):
            self._only = tuple(
                Region(0, y, self.content_size.width, 1) for y, (before, after) in enumerate(lines) if before != after
            )
        Static.update(self, content, layout=layout)
        self._only = ()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> CountingStatic:
        return super().refresh(*(regions or self._only), repaint=repaint, layout=layout, recompose=recompose)


class Said(CountingStatic):
    """A text; while its first line begins with ▸, the seconds are counted at the end of that line."""

    def __init__(self, text: str = "", **options: Any) -> None:
        super().__init__(text, markup=False, **options)
        self._text = Content(text)
        self._waiting = Waiting(self, self._paint)
        self._length = 0  # of the counted seconds, in cells

    def on_mount(self) -> None:
        self.update(self._text, layout=False)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        """Show another text."""
        self._text = content if isinstance(content, Content) else Content(str(content))
        self._waiting.goes_on(self._text.plain.startswith(UNDER_WAY))
        super().update(self._with_seconds(), layout=layout)

    def _paint(self) -> None:
        before = self._length
        self.recount(self._with_seconds(), layout=len(self._waiting.passed) != before)

    def _with_seconds(self) -> Content:
        passed = self._waiting.passed
        self._length = len(passed)
        end = (self._text.plain + "\n").index("\n")
        return Content.assemble(self._text[:end], passed, self._text[end:]) if passed else self._text
