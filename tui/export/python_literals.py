"""Values, paths and calls of a plan as Python: what all sections of a program are put together from."""

from __future__ import annotations

import json
from typing import Any

from tui.export.plan_source import Source, split, variable
from tui.plan.load_save.references import has_reference


def value(given: Any, setting: str) -> str:
    """A value as Python; references become calls of `setting`."""
    if isinstance(given, dict):
        inside = ", ".join(
            f"{json.dumps(str(key), ensure_ascii=False)}: {value(item, setting)}" for key, item in given.items()
        )
        return f"{{{inside}}}"
    if isinstance(given, (bool, int, float)) or given is None:
        return repr(given)
    if isinstance(given, (list, tuple)):
        return f"[{', '.join(value(item, setting) for item in given)}]"
    if not has_reference(given):
        return json.dumps(str(given), ensure_ascii=False)
    return " + ".join(_part(kind, text, setting) for kind, text in split(str(given)))


def _part(kind: str, text: str, setting: str) -> str:
    if kind == "text":
        return json.dumps(text, ensure_ascii=False)
    if kind == "databricks" and setting == "setting_or_secret":
        scope, _, key = text.partition("/")
        return f"dbutils.secrets.get(scope={json.dumps(scope)}, key={json.dumps(key)})"
    return f"{setting}({json.dumps(variable(kind, text))})"


def call(name: str, arguments: dict[str, str], indent: str = "") -> str:
    """A call with an argument a line."""
    inside = "".join(f"{indent}    {key}={text},\n" for key, text in arguments.items())
    return f"{name}(\n{inside}{indent})"


def path(source: Source, key: str) -> str:
    """A path of the plan as an expression."""
    text = source.path(key) or ""
    if has_reference(text) or text.startswith("/"):
        return f"Path({value(text, 'setting')})"
    return f"HERE / {json.dumps(text, ensure_ascii=False)}"
