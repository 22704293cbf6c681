"""Fits text to terminal cells; some characters are two cells wide."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, set_cell_size


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


def tail(text: str, width: int) -> str:
    """Return the end of a text in at most `width` cells, with a leading ellipsis if something was cut off."""
    return cut(text[::-1], width)[::-1]


def wrap(text: str, width: int, *, hyphens: bool = False) -> list[str]:
    """Wrap the text to lines of at most `width` cells, between words and, with `hyphens`, also at hyphens.

    A text without words becomes one empty line.
    """
    if cell_len(text) == len(text):
        return textwrap.wrap(text, width, break_on_hyphens=hyphens) or [""]
    from textual.content import Content

    # textwrap counts characters. It also starts a word longer than a line right after the previous word, which
    # Textual's wrapping does not: long paths and ids are broken less often.
    return [line.plain.rstrip() for line in Content(text.replace("\n", " ")).wrap(width)]
