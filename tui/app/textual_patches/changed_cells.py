"""Writes only the cells of the screen that differ from what the terminal already shows.

Overrides `App._display` of Textual 8.2.8, because of an observed behaviour: opening or closing a dialog, a change of
the layout and each scroll write the whole screen, several times in a row. No upstream report is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, Optional, cast

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.console import Console, RenderableType
from textual import events
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App, SuspendNotSupported
from textual.screen import Screen
from textual.strip import Strip

Cell = tuple[str, str]
"""A text, and its look: the parameters of SGR, then, after a line feed, its link if it has one. Of a character that
takes two cells, the second has no text."""
Row = list[Optional[Cell]]
"""The cells of a row; None where it is not known what the terminal shows."""

CODES = re.compile(r"[34]8;(?:5;\d+|2;\d+;\d+;\d+)|\d+")
GAP = 4  # cells of one look: so many are written again rather than passed over, as moving the cursor takes as much


class ChangedCells(App[Any], inherit_bindings=False):
    """Mixin for applications: what is shown is compared with what the terminal shows, and only changes are written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._terminal = TerminalCells()

    def draw_again(self) -> None:
        """Set up the terminal again and write the whole screen: it was reset or replaced, and has not told so."""
        with suppress(SuspendNotSupported), self.suspend():
            pass

    async def _on_resize(self, event: events.Resize) -> None:
        """Write the whole screen next: the terminal was resized, or, as Textual then says its size, used by others."""
        # Before Textual's own handler, which ignores a size that has been left and come back meanwhile.
        self._terminal.rows.clear()
        if self._screen_stack:
            self.screen.refresh()

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        driver = self._driver
        shown = self._running and not self._closed and not self._batch_count  # otherwise Textual drops what it gets
        if (
            isinstance(renderable, (LayoutUpdate, ChopsUpdate))
            and shown
            and not (driver is None or driver.is_inline or self.is_headless)
        ):
            changes = self._terminal.changes(renderable, self.console, *self.size)
            cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
            nothing = not changes and cursor == self._previous_cursor_position
            renderable = cast("RenderableType", None if nothing else Written(changes))
        super()._display(screen, renderable)


class Written(CompositorUpdate):
    """An update that is complete: terminal sequences."""

    def __init__(self, sequences: str) -> None:
        self.sequences = sequences

    def render_segments(self, console: Console) -> str:
        return self.sequences


class TerminalCells:
    """The cells that the terminal shows, as far as they were written since it was last cleared or resized."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}

    def changes(self, update: LayoutUpdate | ChopsUpdate, console: Console, columns: int, rows: int) -> str:
        """Take over an update; returns the terminal sequences that show it.

        What is outside the terminal's size is dropped, as between a resize and the next layout.
        """
        colors = console._color_system or ColorSystem.TRUECOLOR
        written = [] if self.rows else ["\x1b[m"]  # whoever used the terminal may have left a colour
        look = ""
        for y, pieces in _pieces(update):
            if y >= rows:
                continue
            row = self.rows.setdefault(y, [])
            changed: list[int] = []
            whole = False
            for x, strip in pieces:
                new = cells(strip, colors)[: max(0, columns - x)]
                end = x + len(new)
                if len(row) < end:
                    row.extend([None] * (end - len(row)))
                old = row[x:end]
                if old != new:
                    whole = whole or _irregular(old) or _irregular(new)
                    changed += (x + at for at, cell in enumerate(new) if old[at] != cell)
                    row[x:end] = new
            if changed:
                # Terminals disagree about the width of such characters: the row is written from its start, so that
                # nothing of what they made of it remains.
                whole = whole or _irregular(row)
                changed = [x for x, cell in enumerate(row) if cell is not None] if whole else sorted(set(changed))
                look = _write(written, y, row, changed, look)
        if look:
            written.append(transition(look, ""))
        return "".join(written)


def _pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, list[tuple[int, Strip]]]]:
    """The strips of an update: for each row where each begins. A strip that an update shows in part is taken whole."""
    if isinstance(update, LayoutUpdate):
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            pieces = []
            for strip in strips:
                pieces.append((x, strip))
                x += strip.cell_length
            yield y, pieces
        return
    for y, begin, stop in update.spans:
        chops = zip(update.chop_ends[y], update.chops[y].items())
        yield y, [(x, strip) for end, (x, strip) in chops if strip is not None and x < stop and end > begin]


def cells(strip: Strip, colors: ColorSystem) -> list[Cell]:
    """The cells of a strip."""
    found: list[Cell] = []
    for segment in strip:
        text, style, control = segment
        if control:
            continue
        look = ""
        if style is not None:
            look = Strip.render_ansi(style, colors) if style._ansi is None else style._ansi
            if style._link:
                look = f"{look}\n{style._link}"
        length = segment.cell_length
        if length == len(text) and (text.isascii() or all(get_character_cell_size(char) == 1 for char in text)):
            found += [(char, look) for char in text]
        else:
            found += _wide(text, look, length)
    return found


def _wide(text: str, look: str, length: int) -> list[Cell]:
    """The cells of a text with characters of no cell, of two, or of several that are one sign together."""
    sizes = [get_character_cell_size(char) for char in text]
    if sum(sizes) != length or not sizes[0]:
        return [(text, look), *[("", look)] * (length - 1)] if length else []
    found: list[Cell] = []
    for char, size in zip(text, sizes):
        if size:
            found += [(char, look), *[("", look)] * (size - 1)]
        else:
            at = max(at for at, (before, _) in enumerate(found) if before)
            found[at] = (found[at][0] + char, look)
    return found


def _irregular(row: Iterable[Cell | None]) -> bool:
    """Whether any cell has not exactly one character."""
    return any(cell is not None and len(cell[0]) != 1 for cell in row)


def _write(written: list[str], y: int, row: Row, changed: list[int], look: str) -> str:
    """Append the sequences that write some cells of a row; returns the look that is set then."""
    at = -1  # where the cursor is
    for x in changed:
        cell = row[x]
        if cell is None:
            continue
        text, next_look = cell
        if at < 0:
            written.append(f"\x1b[{y + 1};{x + 1}H")
        elif x != at:
            between = row[at:x]
            if x - at <= GAP and all(passed is not None and passed[1] == look for passed in between):
                written.append("".join(passed[0] for passed in between if passed is not None))
            else:
                written.append(f"\x1b[{x + 1}G")
        if next_look != look:
            written.append(transition(look, next_look))
            look = next_look
        written.append(text)
        at = x + 1
    return look


@lru_cache(4096)
def transition(before: str, after: str) -> str:
    """The terminal sequences from one look to another."""
    old, _, link = before.partition("\n")
    new, _, next_link = after.partition("\n")
    sequence = "" if link == next_link else f"\x1b]8;;{next_link}\x1b\\"
    if old == new:
        return sequence
    set_before = {_kind(code): code for code in CODES.findall(old)}
    wanted = {_kind(code): code for code in CODES.findall(new)}
    if set_before.keys() <= wanted.keys():
        parameters = ";".join(code for kind, code in wanted.items() if set_before.get(kind) != code)
    else:
        parameters = f"0;{new}" if new else ""
    return f"{sequence}\x1b[{parameters}m"


def _kind(code: str) -> str:
    """What a parameter of SGR sets: the colour (30 to 38, 90 to 97), the background (40 to 48, 100 to 107), itself."""
    return {"3": "front", "9": "front", "4": "back", "1": "back"}.get(code[0], code) if len(code) > 1 else code
