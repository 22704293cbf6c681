"""Values changed in YAML text: what stays as it was written, and how new values are quoted."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import yaml

from tui.plan.load_save.yaml_edit import rewritten


def changed(text: str, after: dict[str, Any]) -> str:
    made = rewritten(text, yaml.safe_load(text), after)
    assert made is not None and yaml.safe_load(made) == after
    return made


def test_what_is_not_changed_is_not_touched() -> None:
    text = "a: 'x'  # why\nb:\n  c: 0x10\n  d: yes\n"
    assert changed(text, {"a": "x", "b": {"c": 16, "d": True}}) == text
    assert changed(text, {"a": "x", "b": {"c": 17, "d": True}}) == text.replace("0x10", "17")
    assert changed(text, {"a": "z", "b": {"c": 16, "d": 1}}) == text.replace("x'", "z'").replace("yes", "1")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("a: 1\n", "no", 'a: "no"'),
        ("a: 1\n", "2", 'a: "2"'),
        ("a: 1\n", "x", "a: x"),
        ("a: 1\n", "", 'a: ""'),
        ("a: 1\n", "a: b", 'a: "a: b"'),
        ("a: 1\n", True, "a: true"),
        ("a: true\n", 1, "a: 1"),
        ("a: 1\n", 1.0, "a: 1.0"),
        ("a: 1\n", ["no", "x"], 'a:\n- "no"\n- x'),
        ("a: 1\n", {"b": "on"}, 'a:\n  b: "on"'),
        ("a: {b: 1, c: 2}\n", {"b": 1}, "a: {b: 1}"),
        ("a: text\n", {"b": 1}, "a:\n  b: 1"),
        ("a: {b: 1}\n", "text", "a: text"),
    ],
)
def test_a_changed_value_reads_back_as_it_is(before: str, after: Any, line: str) -> None:
    assert changed(f"# why\n{before}", {"a": after}) == f"# why\n{line}\n"
    plain = yaml.safe_dump(yaml.safe_load(before), sort_keys=False)
    assert changed(plain, {"a": after}) == yaml.safe_dump({"a": after}, sort_keys=False)


def test_a_file_without_comments_is_changed_without_the_editor_that_keeps_them() -> None:
    code = (
        "import sys; from tui.plan.load_save.yaml_edit import rewritten;"
        "print(rewritten('b: 1\\n$schema: s\\n', {'b': 1}, {'b': 'no', 'a': 2}), 'ruamel.yaml' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "b: 'no'\n$schema: s\na: 2\n False\n"


def test_keys_come_and_go_and_those_of_neither_tree_stay() -> None:
    text = "$schema: s\na: 1\nb: 2\n"
    assert rewritten(text, {"a": 1, "b": 2}, {"a": 1, "c": 3}) == "$schema: s\na: 1\nc: 3\n"


@pytest.mark.parametrize("text", ["- a\n", "a: [\n", "7\n", "a: &x 1\nb: *y\n"])
def test_what_is_no_map_is_not_changed(text: str) -> None:
    assert rewritten(text, {}, {"a": 1}) is None


@pytest.mark.parametrize(
    ("text", "indented"),
    [
        ("a:\n  - 1\n  - 2\n", True),
        ("a:\n- 1\n", False),
        ("a:  # why\n  - 1\n", True),
        ("a:\n\n# comment\n\n  - 1\n", True),
        ("b:\n  a:\n  - 1\n", False),
        ("b:\n  a:\n    - 1\n", True),
        ("x: 1\nb: |\n  a\n  - 1\na: []\n", False),
        ("a: [1]\n", False),
        ("", False),
    ],
    ids=range(9),
)
def test_new_lists_are_indented_as_those_of_the_text(text: str, indented: bool) -> None:
    tree = yaml.safe_load(text or "{}")
    made = rewritten(text or "{}", tree, {**tree, "new": {"l": ["v"]}}) or ""
    if text in ("", "a: [1]\n"):
        assert "- v" in made or "[v]" in made
    else:
        assert ("    - v" in made) == indented and "  - v" in made


def test_a_long_line_stays_one_line() -> None:
    text = f"a: {'word ' * 60}x\nb: 1\n"
    assert changed(text, {"a": yaml.safe_load(text)["a"], "b": 2}) == text.replace("b: 1", "b: 2")
