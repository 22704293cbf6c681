"""Texts truncated, padded and wrapped to terminal cells, including characters two cells wide."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tui.common.cell_width import cut, fit, ljust, rjust, tail, wrap

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


def test_indents_are_part_of_the_width() -> None:
    for text in ("one two three four", f"{WIDE} v2 {WIDE * 3}"):
        lines = wrap(text, 12, indent="- ", hanging="    ")
        assert lines[0].startswith("- ") and all(line.startswith("    ") for line in lines[1:])
        assert max(map(cell_len, lines)) <= 12
        assert "".join(line[4 if at else 2 :] for at, line in enumerate(lines)).replace(" ", "") == text.replace(
            " ", ""
        )


def test_padding_counts_cells() -> None:
    assert (ljust("モデル", 8), rjust("モデル", 8), ljust("モデル", 2)) == ("モデル  ", "  モデル", "モデル")
    assert ljust("ab", 4, "─") == "ab──"


def by_letters(source: str) -> list[str]:
    """Return what a module does that counts letters where the terminal counts cells."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and "textwrap" in (name.name for name in node.names):
            found.append("import textwrap")
        if isinstance(node, ast.Attribute) and node.attr in ("ljust", "rjust", "center"):
            found.append(node.attr)
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            found += re.findall(r"[<>^](?:\d|\{).*", ast.unparse(node.format_spec))
    return found


def test_the_wizard_pads_and_wraps_by_cells_only() -> None:
    import tui.app

    assert by_letters("import textwrap") and by_letters("x.ljust(3)") and by_letters("f'{x:<{y}}'")
    assert not by_letters("f'{x:,.2f}'")
    for path in Path(str(tui.app.__file__)).parent.rglob("*.py"):
        assert not by_letters(path.read_text()), path
