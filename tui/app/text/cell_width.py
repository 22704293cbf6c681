"""Texts in the cells of a terminal, where some characters are two cells wide."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, set_cell_size


def cut(text: str, width: int) -> str:
    """The text in at most so many cells, with an ellipsis where something is left out."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def fit(text: str, width: int) -> str:
    """The text cut, with the ellipsis right behind a word, or filled up, to exactly so many cells."""
    if cell_len(text) > width > 0:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def tail(text: str, width: int) -> str:
    """The end of a text in at most so many cells, with an ellipsis where its beginning is left out."""
    return cut(text[::-1], width)[::-1]


def wrap(text: str, width: int, *, hyphens: bool = False) -> list[str]:
    """The text in lines of at most so many cells, broken between words, with `hyphens` also within them; a text
    without words is one empty line."""
    if cell_len(text) == len(text):
        return textwrap.wrap(text, width, break_on_hyphens=hyphens) or [""]
    from textual.content import Content

    # textwrap counts characters. It also begins a word that is longer than a line where the one before has ended, which
    # Textual's does not: of long paths and ids less is lost.
    return [line.plain.rstrip() for line in Content(text.replace("\n", " ")).wrap(width)]
