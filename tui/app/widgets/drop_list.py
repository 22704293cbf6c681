"""The drop-down list below a field: typing filters it, Enter selects an item, Esc closes it without a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Optional

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tui.app.widgets.waiting import Waiting
from tui.common.cell_width import wrap

Row = tuple[Content, Optional[int]]  # a line, and the index of its item, for the mouse

KEYS = "Enter: select · Esc: cancel · Tab: keep the text"
LOADING, LISTED, REFUSED = "loading", "listed", "refused"


class DropList(Widget, can_focus=False):
    """Shows the items to choose from. The field above keeps the focus and forwards its keys.

    `state` is loading, listed or refused; `matches` are the items that match the typed text, `marked` is one of them.

    Not an OptionList, which measures every option on every letter: with 5,000 items a letter took 450 ms, here 40 ms;
    with 200 items still 100 ms. Nor does it match with `textual.fuzzy`, which requires the words in order, finds 325
    items for `123` instead of 15, and takes two seconds for a text of two words among 5,000 items.
    """

    @dataclass
    class Clicked(Message):
        """An item was chosen with the mouse."""

        item: dict[str, Any]

    def __init__(self, noun: str) -> None:
        super().__init__(classes="drop-list")
        self.noun = noun
        self.state = LOADING
        self.reason = ""
        self.items: list[dict[str, Any]] = []
        self.matches: list[dict[str, Any]] = []
        self.marked: int | None = None
        self.current = ""
        self._waiting = Waiting(self, self.refresh)
        self._typed = ""
        self._top = 0
        self._rows: list[Row] = []
        self.display = False

    # Content

    def load(self) -> None:
        """Show that the list is loading, and for how many seconds."""
        self.state = LOADING
        self._waiting.goes_on(True)
        self.items, self.matches, self.marked = [], [], None
        self.refresh(layout=True)

    def show(self, items: Sequence[Mapping[str, Any]], reason: str, current: str) -> None:
        """Show a list; `current` is the field's value, `reason` why the list is incomplete or empty."""
        self.items = [dict(item) for item in items]
        self.state = LISTED if self.items or not reason else REFUSED
        self._waiting.goes_on(False)
        self.reason, self.current = reason, current
        self._match("", current)
        self._top = max(0, (self.marked or 0) - 2)
        self.refresh(layout=True)

    def filter(self, typed: str) -> None:
        """Show the items that contain every typed word."""
        if self.state == LISTED:
            self._match(typed, typed.strip())
            self._top = 0
            self.refresh(layout=True)

    def move(self, by: int) -> None:
        """Move the selection by so many items."""
        if self.marked is not None:
            self.marked = max(0, min(len(self.matches) - 1, self.marked + by))
            self.refresh(layout=True)

    @property
    def page(self) -> int:
        """Return the number of items on a page."""
        return max(1, len({number for _, number in self._rows if number is not None}))

    @property
    def item(self) -> dict[str, Any] | None:
        """The selected item."""
        return None if self.marked is None else self.matches[self.marked]

    def _match(self, typed: str, wanted: str) -> None:
        """Find the items that contain every typed word; select the wanted one, or the first."""
        self._typed, words = typed, typed.lower().split()
        self.matches = [item for item in self.items if all(word in everything(item) for word in words)]
        exact = (number for number, item in enumerate(self.matches) if names(item, wanted.lower()))
        self.marked = next(exact, 0 if self.matches else None)

    # Drawing

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        # The surrounding grid passes the width of one column; the list spans all three.
        row = self.parent.content_size.width if isinstance(self.parent, Widget) else 0
        return len(self._lay_out(row - self.styles.gutter.width if row else width))

    def render(self) -> Content:
        return Content("\n").join(line for line, _ in self._lay_out(self.content_size.width))

    def _lay_out(self, width: int) -> list[Row]:
        self._rows = self._lines(width) if width >= 20 else [(Content(""), None)]
        return self._rows

    def _lines(self, width: int) -> list[Row]:
        if self.state == LOADING:
            text = f"Loading the {self.noun} from Azure …{self._waiting.passed}"
            return self._words("▸", text, "$text-accent", width)
        if self.state == REFUSED:
            return self._words("!", f"{self.reason} You can type a value instead.", "$text-warning", width)
        if not self.items:
            return self._words("·", f"There are no {self.noun}.", "$text-muted", width)
        if not self.matches:
            text = f"None of the {len(self.items)} {self.noun} contains “{self._typed.strip()}”; Tab keeps the text."
            return self._words("·", text, "$text-muted", width)
        of = f"{len(self.matches)} of {len(self.items)}" if len(self.matches) < len(self.items) else len(self.items)
        title = f"{self.noun[0].upper()}{self.noun[1:]}"
        lines = self._words(" ", f"{title}: {of}. {KEYS}.", "$text-muted", width)
        # Lines for items: as many as the terminal has left after the header, the help and the other fields.
        lines += self._window(width, max(4, min(14, self.app.size.height - 16 - len(lines))))
        if self.reason:
            lines += self._words("!", self.reason, "$text-muted", width)
        return lines

    def _words(self, sign: str, text: str, style: str, width: int) -> list[Row]:
        signs = chain([sign], repeat(" "))
        return [(Content.styled(f"{first} {line}", style), None) for first, line in zip(signs, wrap(text, width - 2))]

    def _window(self, width: int, room: int) -> list[Row]:
        """Return as many items around the selected one as fit, with the counts of those above and below."""
        marked = self.marked or 0
        self._top = min(self._top, marked)
        blocks: dict[int, list[Content]] = {}

        def block(number: int) -> list[Content]:
            if number not in blocks:
                blocks[number] = self._block(self.matches[number], number == self.marked, width)
            return blocks[number]

        while sum(len(block(number)) for number in range(self._top, marked + 1)) > room and self._top < marked:
            self._top += 1
        lines: list[Row] = []
        number = self._top
        while number < len(self.matches) and (not lines or len(lines) + len(block(number)) <= room):
            lines += [(line, number) for line in block(number)]
            number += 1
        left = [f"{self._top} more above"] if self._top else []
        left += [f"{len(self.matches) - number} more below"] if number < len(self.matches) else []
        if left:
            lines.append((Content.styled("    … " + ", ".join(left), "$text-muted"), None))
        return lines

    def _block(self, item: Mapping[str, Any], marked: bool, width: int) -> list[Content]:
        label, detail = str(item.get("label") or item.get("value")), str(item.get("detail") or "")
        lead = ("▸" if marked else " ") + ("●" if names(item, self.current.lower()) else " ") + " "
        style = "bold reverse" if marked else ""
        column = min(max((cell_len(str(other.get("label") or "")) for other in self.matches[:50]), default=0), 34)
        beside = width - len(lead) - column - 2
        names_ = wrap(label, width - len(lead))
        if cell_len(label) <= column and beside >= 20:
            texts = wrap(detail, beside)
            first = Content.assemble(
                lead, (label, style), " " * (column - cell_len(label) + 2), (texts[0], "$text-muted")
            )
            return [first, *(Content.styled(" " * (width - beside) + text, "$text-muted") for text in texts[1:])]
        lines = [Content.assemble(lead if number == 0 else "   ", (line, style)) for number, line in enumerate(names_)]
        below = wrap(detail, width - 6) if detail else []
        return [*lines, *(Content.styled(" " * 6 + text, "$text-muted") for text in below)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        number = self._rows[event.y][1] if 0 <= event.y < len(self._rows) else None
        if number is not None:
            self.post_message(self.Clicked(self.matches[number]))


def names(item: Mapping[str, Any], lowered: str) -> bool:
    """Whether the text equals an item's value or label."""
    return bool(lowered) and lowered in (str(item.get("value")).lower(), str(item.get("label")).lower())


def everything(item: Mapping[str, Any]) -> str:
    """Return an item's value and everything shown of it, in lower case."""
    return " ".join(str(item.get(part) or "") for part in ("label", "value", "detail")).lower()
