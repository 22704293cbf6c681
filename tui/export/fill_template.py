"""Fills templates, which look like the resulting file.

`$name` in lower case is a value; `$ENDPOINT` and `$$name` are left to the shell. Several lines that replace a whole
line get its indentation. A line whose value is not set is omitted; `#if name`, `#else` and `#end` do that for several
lines, `#section name` starts a separate part.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_NAME = re.compile(r"\$(\$|[a-z]\w*)")


def template(name: str) -> str:
    """The text of a template."""
    return (_TEMPLATES / f"{name}.template").read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """The parts of a template by name."""
    _, *parts = re.split(r"^#section (\w+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2]))


def filled(text: str, values: Mapping[str, Any]) -> str:
    """Fill a part of a template. Raises KeyError for a name without a value, which may be None."""
    lines: list[str] = []
    shown = [True]
    values = {"$": "$", **values}
    for line in text.splitlines():
        mark, _, name = line.partition(" ")
        if mark == "#if":
            shown.append(bool(values[name]))
        elif mark == "#else":
            shown[-1] = not shown[-1]
        elif mark == "#end":
            shown.pop()
        elif all(shown) and all(values[name] is not None for name in _NAME.findall(line)):
            indent = line[: len(line) - len(line.lstrip())] if _NAME.fullmatch(line.strip()) else ""
            text = _NAME.sub(lambda found: str(values[found[1]]), line[len(indent) :])
            lines.append(textwrap.indent(text, indent) + "\n")
    return "".join(lines)
