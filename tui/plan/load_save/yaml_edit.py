"""Change values in a YAML file but keep its comments, order and quotes."""

from __future__ import annotations

import io
from typing import Any, Callable

from tui.plan.load_save.yaml_nodes import not_a_value


def dumped(tree: Any) -> str:
    """A tree as YAML, in its order."""
    import yaml

    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110)


def rewritten(text: str, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """Change `text`, a YAML map that reads as `before`, to read as `after`; None if that is not possible.

    Keys of the text that are in neither tree (such as `$schema`) are kept. Unchanged values are not touched.
    """
    import yaml

    try:
        plain = yaml.safe_load(text)
    except not_a_value():
        return None
    if not isinstance(plain, dict):
        return None
    if dumped(plain) == text:  # no comments or quotes to keep: ruamel.yaml would take 1 MB of the wizard's memory
        _change(plain, before, after, lambda value: value)
        return dumped(plain)
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 4096  # a long line stays one line
    editor.indent(mapping=2, sequence=_sequence_indent(text), offset=_sequence_indent(text) - 2)
    try:
        tree = editor.load(text)
    except YAMLError:
        return None
    _change(tree, before, after, _quoted)
    written = io.StringIO()
    editor.dump(tree, written)
    return written.getvalue()


def _sequence_indent(text: str) -> int:
    """2 if the text's lists are aligned with their key, 4 if they are indented."""
    above = ""
    for line in text.splitlines():
        inside = line.lstrip()
        if not inside or inside.startswith("#"):
            continue
        if inside.startswith("- ") and above.split(" #")[0].rstrip().endswith(":"):
            return 4 if len(line) - len(inside) > len(above) - len(above.lstrip()) else 2
        above = line
    return 2


def _change(node: Any, before: dict[str, Any], after: dict[str, Any], written: Callable[[Any], Any]) -> None:
    for key in [key for key in before if key not in after and key in node]:
        del node[key]
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and isinstance(node.get(key), dict):
            _change(node[key], old, value, written)
        elif key not in before or key not in node or old != value or type(old) is not type(value):
            node[key] = written(value)


def _quoted(value: Any) -> Any:
    """Quote texts that a YAML 1.1 reader (PyYAML, az) would read as another type."""
    import yaml
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, dict):
        return {key: _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if isinstance(value, str):
        try:
            # Also as part of a map in braces, where a question mark or a comma is not text.
            plain = yaml.safe_load(value) == value and yaml.safe_load(f"{{a: {value}}}") == {"a": value}
        except not_a_value():
            plain = False
        return value if plain else DoubleQuotedScalarString(value)
    return value
