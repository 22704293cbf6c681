"""Result lines: a sign, a name, and a sentence that wraps within its column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from tui.app.widgets.waiting import CountingStatic, Waiting
from tui.common.cell_width import wrap

SIGNS = {"ok": "✔", "warn": "!", "bad": "✖", "busy": "▸", "none": "·", "": " "}
STYLES = {
    "ok": "$text-success",
    "warn": "$text-warning",
    "bad": "$text-error bold",
    "busy": "$text-accent",
    "none": "$text-muted",
    "": "",
}


class Fact(NamedTuple):
    """A result line: `kind` is ok, warn, bad, busy, none (absent) or empty; `name` has a separate column."""

    kind: str
    name: str
    text: str = ""


class Facts(CountingStatic):
    """Shows result lines with aligned names; while one is busy, its seconds are counted."""

    def __init__(self, id: str | None = None, *, column: int = 0) -> None:
        super().__init__("", id=id, classes="facts", markup=False)
        self.facts: tuple[Fact, ...] = ()
        self.column = column
        self._lines = 0  # number of lines written last
        self._waiting = Waiting(self, self._write)

    def show(self, facts: Sequence[Fact]) -> None:
        """Show these lines; with none, the widget is hidden."""
        if tuple(facts) == self.facts and facts:
            return
        self.facts = tuple(facts)
        self.display = bool(facts)
        self._waiting.goes_on(any(fact.kind == "busy" for fact in facts))
        self._write(layout=True)

    def on_mount(self) -> None:
        self.display = bool(self.facts)

    def on_resize(self) -> None:
        self._write(layout=True)
        self.call_after_refresh(self._reachable)
        self.call_after_refresh(self._make_room)

    def _make_room(self) -> None:
        """Request a layout if the last one was for other lines, because lines were written during it."""
        if self.content_size.height != self._lines:
            self.refresh(layout=True)

    def _reachable(self) -> None:
        """Become focusable if not everything fits, so that the keyboard can scroll it."""
        parent = self.parent
        self.can_focus = isinstance(parent, Widget) and parent.max_scroll_y > 0

    def _write(self, layout: bool = False) -> None:
        width = self.content_size.width
        if width < 20 or not self.facts:
            return
        named = [cell_len(fact.name) for fact in self.facts if fact.text]
        column = max(self.column, min(max(named, default=0), width // 3)) + 2
        written = Content("\n").join(self._line(fact, column, width) for fact in self.facts)
        before, self._lines = self._lines, written.plain.count("\n") + 1
        self.recount(written, layout=layout or self._lines != before)

    def _line(self, fact: Fact, column: int, width: int) -> Content:
        if fact.kind == "busy":
            last = "text" if fact.text else "name"
            fact = fact._replace(**{last: getattr(fact, last) + self._waiting.passed})
        sign = Content.styled(SIGNS[fact.kind] + " ", STYLES[fact.kind])
        style = STYLES[fact.kind] if fact.kind in ("bad", "warn", "none") else "bold" if fact.kind == "ok" else ""
        if not fact.text:
            wrapped = wrap(fact.name, width - 2)
            return sign + Content.styled("\n  ".join(wrapped), style if fact.kind in ("bad", "warn", "none") else "")
        names = wrap(fact.name, column - 2, hyphens=True)
        lines = wrap(fact.text, width - 2 - column)
        text_style = "$text-muted" if fact.kind == "none" else ""
        rows = [
            Content.styled(name, style) + Content(" " * (column - cell_len(name))) + Content.styled(line, text_style)
            for name, line in zip_longest(names, lines, fillvalue="")
        ]
        return sign + Content("\n  ").join(rows)
