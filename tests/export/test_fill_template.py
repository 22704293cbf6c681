"""Templates: values, omitted lines, conditions, sections and indentation."""

from __future__ import annotations

from typing import Any

import pytest

from tui.export.fill_template import filled, sections


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("a $x b", {"x": 1}, "a 1 b\n"),
        ("a $x b", {"x": 0}, "a 0 b\n"),
        ("a $x b\nc", {"x": None}, "c\n"),
        ("a $x $y\nc", {"x": 1, "y": None}, "c\n"),
        ("$ENDPOINT $$x", {}, "$ENDPOINT $x\n"),
        ("  $x", {"x": "a\nb"}, "  a\n  b\n"),
        ("  - $x", {"x": "a\nb"}, "  - a\nb\n"),
        ("#if x\na\n#else\nb\n#end\nc", {"x": True}, "a\nc\n"),
        ("#if x\na\n#else\nb\n#end\nc", {"x": ""}, "b\nc\n"),
        ("#if x\n#if y\na\n#end\nb\n#end\nc", {"x": True, "y": False}, "b\nc\n"),
        ("#if x\n#if y\na\n#else\nd\n#end\n#end\nc", {"x": False, "y": False}, "c\n"),
        ("# if x", {}, "# if x\n"),
        ("", {}, ""),
    ],
    ids=range(13),
)
def test_a_template_is_filled(text: str, values: dict[str, Any], expected: str) -> None:
    assert filled(text, values) == expected


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        filled("$missing", {})
    with pytest.raises(KeyError):
        filled("#if missing\n#end", {})


def test_sections_by_name() -> None:
    assert sections("intro\n#section a\n1\n2\n#section b\n3\n") == {"a": "1\n2\n", "b": "3\n"}
