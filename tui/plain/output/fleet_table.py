"""Prints the rows of the fleet one by one: as a table as wide as the terminal, or as sentences to be read aloud."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from tui.common.cell_width import cut, ljust, rjust
from tui.helper import fleet_report as words
from tui.helper.fleet_report import Column, Row
from tui.plain.terminal import out

GAP = 2
UNLIMITED = 100_000
UNCUT = "endpoint"  # a name is needed for the next command; other cells are cut


def width() -> int:
    """The terminal's columns; unlimited where the table is no terminal's, so that a file has everything."""
    wide = os.environ.get("COLUMNS", "").isdigit() or os.isatty(1)
    return shutil.get_terminal_size().columns if wide else UNLIMITED


class Table:
    """A table with the first columns that fit, as wide as the rows need that are known when it begins.

    With `aloud`, each row is a line that names every value, as a screen reader reads it.
    """

    def __init__(self, known: Iterable[Row], *, aloud: bool = False) -> None:
        self.left_out: list[str] = []
        self._aloud = aloud
        if aloud:
            return
        rows, left = list(known), width() + GAP
        natural = {
            column.key: max(map(cell_len, (column.title, *(words.cell(row, column.key) for row in rows))))
            for column in words.COLUMNS
        }
        self._columns: list[Column] = []
        for column in words.COLUMNS:
            least = natural[UNCUT] if column.key == UNCUT else column.width
            if least + GAP > left and len(self._columns) > 1:
                break
            self._columns.append(column._replace(width=least))
            left -= least + GAP
        for place, column in enumerate(self._columns):
            more = max(0, min(left, natural[column.key] - column.width))
            self._columns[place] = column._replace(width=column.width + more)
            left -= more
        self.left_out = [column.title for column in words.COLUMNS[len(self._columns) :]]
        self._print([column.title for column in self._columns])

    def add(self, row: Row) -> None:
        """Print a row."""
        if self._aloud:
            columns = sorted(words.COLUMNS, key=lambda column: column.key != UNCUT)  # its name first
            named = (f"{column.title}: {words.cell(row, column.key)}" for column in columns)
            out("; ".join(named) + ".")
            return
        self._print([words.cell(row, column.key) for column in self._columns])

    def _print(self, cells: Sequence[str]) -> None:
        parts = []
        for column, text in zip(self._columns, cells):
            shown = text if column.key == UNCUT or width() == UNLIMITED else cut(text, column.width)
            parts.append((rjust if column.key in words.NUMBERS else ljust)(shown, column.width))
        out((" " * GAP).join(parts).rstrip())
