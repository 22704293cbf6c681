"""Writes values and paths of a plan as Python."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tui.export.plan_source import Source, split, variable
from tui.plan.load_save.references import has_reference
from tui.plan.sdk_entities import Entity

_WIDTH = 90


@dataclass(frozen=True)
class Expression:
    """A Python expression used instead of a value."""

    text: str


@dataclass(frozen=True)
class Literals:
    """Writes a plan's values as Python; references become calls of the function named `setting`."""

    source: Source
    setting: str

    def of(self, given: Any) -> str:
        """A value as Python."""
        if isinstance(given, Expression):
            return given.text
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

    def entity(self, made: Entity, indent: int = 0) -> str:
        """An SDK entity as Python whose first line starts after `indent` spaces."""
        inner = " " * (indent + 4)
        lines = [f"{inner}{name}={self._nested(item, indent + 4)},\n" for name, item in made.arguments.items()]
        return f"{made.kind}(\n{''.join(lines)}{' ' * indent})"

    def _nested(self, given: Any, indent: int) -> str:
        """An argument on one line, unless it is an entity with several arguments or a map of entities."""
        inner = " " * (indent + 4)
        if isinstance(given, Entity):
            short = ", ".join(f"{name}={self._nested(item, 0)}" for name, item in given.arguments.items())
            fits = "\n" not in short and indent + len(short) < _WIDTH
            return f"{given.kind}({short})" if fits else self.entity(given, indent)
        if isinstance(given, dict) and any(isinstance(item, (dict, Entity)) for item in given.values()):
            lines = (f"{inner}{_text(str(key))}: {self._nested(item, indent + 4)},\n" for key, item in given.items())
            return f"{{\n{''.join(lines)}{' ' * indent}}}"
        if isinstance(given, list) and any(isinstance(item, Entity) for item in given):
            return f"[{', '.join(self._nested(item, indent) for item in given)}]"
        return self.of(given)

    def path(self, key: str) -> str | None:
        """A path of the plan as a Python expression; None if the plan does not set it."""
        text = self.source.path(key)
        if not text:
            return None
        if has_reference(text) or text.startswith("/"):
            return f"Path({self.of(text)})"
        return f"HERE / {_text(text)}"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
