"""Texts in the cells of a terminal, where some characters are two cells wide."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def fit(text: str, width: int) -> str:
    """The text cut, with an ellipsis, or filled up to exactly so many cells."""
    if cell_len(text) > width and width > 0:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)
