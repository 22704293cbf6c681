"""Fits text to terminal cells; some characters are two cells wide, some none."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, chop_cells, set_cell_size


def cut(text: str, width: int) -> str:
    """Return the text truncated to at most `width` cells, with an ellipsis if something was cut off."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def fit(text: str, width: int) -> str:
    """Return the text truncated (ellipsis directly after a word) or padded to exactly `width` cells."""
    if cell_len(text) > width > 0:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def ljust(text: str, width: int, filler: str = " ") -> str:
    """Return the text padded to at least `width` cells, as `str.ljust` does for characters."""
    return text + filler * (width - cell_len(text))


def rjust(text: str, width: int) -> str:
    """Return the text padded to at least `width` cells, as `str.rjust` does for characters."""
    return " " * (width - cell_len(text)) + text


def tail(text: str, width: int) -> str:
    """Return the end of a text in at most `width` cells, with a leading ellipsis if something was cut off."""
    return cut(text[::-1], width)[::-1]


def wrap(text: str, width: int, *, hyphens: bool = False, indent: str = "", hanging: str = "") -> list[str]:
    """Wrap the text to lines of at most `width` cells, between words and, with `hyphens`, also at hyphens.

    The first line starts with `indent`, the others with `hanging`. A text without words becomes one empty line.
    """
    if cell_len(text) == len(text):
        wrapper = textwrap.TextWrapper(width, indent, hanging, break_on_hyphens=hyphens)
        return wrapper.wrap(text) or [""]
    room = max(width - max(cell_len(indent), cell_len(hanging)), 2)  # no character is wider than two cells
    lines = [""]
    for piece in (piece for word in text.split() for piece in chop_cells(word, room)):
        joined = f"{lines[-1]} {piece}".lstrip()
        lines[-1:] = [joined] if cell_len(joined) <= room else [lines[-1], piece]
    return [(hanging if number else indent) + line for number, line in enumerate(lines)]
