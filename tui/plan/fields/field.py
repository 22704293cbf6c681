"""A field of the plan: its step in the wizard, its validation and its help."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Callable

from tui.plan import autoscale, data_collection
from tui.plan.rules import value_rules

LEARN = "https://learn.microsoft.com/azure/machine-learning/"

NESTED = ("list", "collections", "rules", "schedule")
"""Kinds whose values contain texts in lists and maps; each of these texts can be a reference."""
PROBLEMS: dict[str, Callable[[Any], Any]] = {
    "collections": data_collection.problem,
    "rules": autoscale.rules_problem,
    "schedule": autoscale.schedule_problem,
}
"""For kinds with items: the first invalid key in a value, with a sentence about it; None if there is none."""
SHOWN: dict[str, Callable[[Any], str]] = {
    "collections": data_collection.show,
    "rules": lambda value: autoscale.show(value, autoscale.RULE_LEADING),
    "schedule": lambda value: autoscale.show(value, autoscale.SCHEDULE_LEADING),
}


@dataclass(frozen=True)
class Help:
    """A field's help: what it is, why it matters, an example, and a link."""

    what: str
    why: str = ""
    example: str = ""
    link: str = ""


@dataclass(frozen=True)
class Field:
    """One value of the plan.

    `key` is its dotted path in the YAML, `kind` one of text, choice, number, fraction, secret, path, bool, map, list,
    collections, rules, schedule. The value of the last five has its own keys or items below `key` in the YAML.
    `only_if` is (key, values): the field applies only if that other field has one of these values.
    """

    key: str
    label: str
    help: Help
    kind: str = "text"
    rule: value_rules.Rule = value_rules.text
    choices: tuple[str, ...] = ()
    default: Any = None
    required: bool = False
    advanced: bool = False
    only_if: tuple[str, tuple[str, ...]] | None = None
    must_exist: str = ""  # "file", "folder" or "any", for paths
    step: str = ""

    def parse(self, typed: str) -> Any:
        """Parse typed text into a value of the field's kind; returns the text unchanged if that fails."""
        stripped = typed.strip()
        if stripped == "" or ("${" in stripped and self.kind not in NESTED):
            return stripped or None
        try:
            return _PARSERS.get(self.kind, str)(stripped)
        except ValueError:
            return stripped

    def show(self, value: Any) -> str:
        """Format a value for a form; never called for a secret's value."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if self.kind in SHOWN:
            return SHOWN[self.kind](value)
        if isinstance(value, (list, tuple)):
            return ", ".join(str(item.get("resource_id")) if isinstance(item, dict) else str(item) for item in value)
        if isinstance(value, dict):
            return ", ".join(f"{name}={item}" for name, item in value.items())
        return str(value)

    def check(self, value: Any) -> str | None:
        """Validate a value: None, or a sentence that says what is wrong and what would be valid."""
        if value is None or value == "":
            return f"{self.label} is required." if self.required else None
        if isinstance(value, str) and "${" in value:
            return None  # a reference is checked when it is resolved
        if self.kind == "secret":
            return "A plan must not contain a secret; use a reference such as ${env:AZURE_CLIENT_SECRET}."
        if self.kind in PROBLEMS:
            return (PROBLEMS[self.kind](value) or ("", None))[1]
        return self.rule(value)


def of_step(step: str, *fields: Field, advanced: bool = False) -> tuple[Field, ...]:
    """The fields as those of a step, which all are advanced, or none."""
    return tuple(replace(field, step=step, advanced=advanced) for field in fields)


def _parse_map(typed: str) -> Any:
    """Parse `a=1, b=2` into a map, with whole numbers as numbers; returns any other text unchanged."""
    result: dict[str, Any] = {}
    for part in typed.split(","):
        name, sign, item = part.partition("=")
        if not sign or not name.strip():
            return typed
        item = item.strip()
        result[name.strip()] = int(item) if item.isdigit() else item
    return result


_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "number": int,
    "fraction": lambda typed: int(typed) if typed.isdecimal() else float(typed),
    "list": value_rules.listed,
    "collections": data_collection.parse,
    "rules": lambda typed: autoscale.parse(typed, autoscale.RULE_LEADING),
    "schedule": lambda typed: autoscale.parse(typed, autoscale.SCHEDULE_LEADING),
    "bool": lambda typed: _BOOLEANS.get(typed.lower(), typed),
    "map": _parse_map,
}
