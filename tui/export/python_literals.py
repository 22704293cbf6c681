"""Values and paths of a plan as Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tui.export.plan_source import Source, split, variable
from tui.plan.load_save.references import has_reference


@dataclass(frozen=True)
class Literals:
    """A plan's values as Python; references become calls of the function named `setting`."""

    source: Source
    setting: str

    def of(self, given: Any) -> str:
        """A value as Python."""
        if isinstance(given, dict):
            return "{" + ", ".join(f"{_text(str(key))}: {self.of(item)}" for key, item in given.items()) + "}"
        if isinstance(given, (bool, int, float)) or given is None:
            return repr(given)
        if isinstance(given, (list, tuple)):
            return f"[{', '.join(self.of(item) for item in given)}]"
        if not has_reference(given):
            return _text(str(given))
        return " + ".join(self._part(kind, text) for kind, text in split(str(given)))

    def _part(self, kind: str, text: str) -> str:
        if kind == "text":
            return _text(text)
        if kind == "databricks" and self.setting == "setting_or_secret":
            scope, _, key = text.partition("/")
            return f"dbutils.secrets.get(scope={json.dumps(scope)}, key={json.dumps(key)})"
        return f"{self.setting}({json.dumps(variable(kind, text))})"

    def value(self, key: str) -> str:
        """The value at a key of the plan, or the field's default, as Python."""
        return self.of(self.source.value(key))

    def set_value(self, key: str) -> str | None:
        """The value at a key that the plan sets to something, as Python; else None."""
        return self.value(key) if self.source.written(key) else None

    def path(self, key: str) -> str | None:
        """A path of the plan as an expression; None where the plan sets none."""
        text = self.source.path(key)
        if not text:
            return None
        if has_reference(text) or text.startswith("/"):
            return f"Path({self.of(text)})"
        return f"HERE / {_text(text)}"

    def arguments(self, group: str, names: tuple[str, ...]) -> str | None:
        """Keyword arguments from a group of keys; None where the plan sets none of them."""
        if all(self.source.written(f"{group}.{name}") is None for name in names):
            return None
        return ", ".join(f"{name}={self.value(f'{group}.{name}')}" for name in names)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
