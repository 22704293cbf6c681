"""Texts from outside cannot move the cursor, set titles or hide lines."""

from __future__ import annotations

import json

import pytest

from tui.common.terminal_text import json_line, without_controls


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m and \x1b[2J\x1b[1;1Hcleared", "red and cleared"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;Y29weQ==\x07copied", "copied"),
        ("\x9b31mred \x9d0;title\x9cafter", "red after"),
        ("\x1bPdevice\x1b\\after \x1b(Bset", "after set"),
        ("unended \x1b]0;title\nnext line", "unended \nnext line"),
        ("ok\rbad\x07\x08\x00\x7f", "okbad"),
        ("tab\tand\nline, é 漢 😀", "tab\tand\nline, é 漢 😀"),
        ("\x1b", ""),
    ],
)
def test_control_characters_are_taken_out(text: str, shown: str) -> None:
    assert without_controls(text) == shown


def test_json_keeps_the_data_and_escapes_what_a_terminal_obeys() -> None:
    data = {"line": "\x1b[31m\x9b31m\x07 é"}
    line = json_line(data)
    assert json.loads(line) == data
    assert without_controls(line) == line
