"""Texts truncated, padded and wrapped to terminal cells, including characters two cells wide."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui.app.text.cell_width import cut, fit, tail, wrap

WIDE = "日本語のモデル"  # seven characters, fourteen cells


def test_what_is_too_long_ends_in_an_ellipsis() -> None:
    assert (cut("endpoint", 5), cut("endpoint", 8), cut("endpoint", 0)) == ("endp…", "endpoint", "")
    assert (tail("/a/long/path", 5), tail("path", 5)) == ("…path", "path")


@pytest.mark.parametrize("width", range(1, 18))
def test_columns_keep_their_width(width: int) -> None:
    for text in ("endpoint", WIDE, "a " + WIDE, ""):
        assert cell_len(fit(text, width)) == width
        assert cell_len(cut(text, width)) <= width and cell_len(tail(text, width)) <= width


def test_lines_are_broken_between_words() -> None:
    assert wrap("one-two three", 8) == ["one-two", "three"]
    assert wrap("one-two three", 5, hyphens=True) == ["one-", "two", "three"]
    assert wrap("", 8) == [""]


def test_wide_characters_count_twice() -> None:
    lines = wrap(f"{WIDE} v2", 10)
    assert all(cell_len(line) <= 10 for line in lines)
    assert "".join(lines).replace(" ", "") == WIDE + "v2"
