"""Read YAML files as nodes, which have line numbers, or as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tui.plan.problems import PlanInvalid, Problem

MOST_NODES, DEEPEST = 100_000, 50


def not_a_value() -> tuple[type[Exception], ...]:
    """What PyYAML raises: also ValueError (2020-99-99, 5,000 digits) and AttributeError (`!!timestamp 1`)."""
    import yaml

    return (yaml.YAMLError, ValueError, OverflowError, RecursionError, AttributeError)


def value_of(text: str) -> Any:
    """The value of a text. Raises one of `not_a_value`."""
    import yaml

    _require_size(yaml.compose(text, Loader=yaml.SafeLoader))
    return yaml.safe_load(text)


def read(path: Path) -> Any:
    """The root node of a YAML file, or None if the file is empty.

    Raises PlanInvalid, with file and line, if the file cannot be read or is not YAML.
    """
    import yaml

    def parse(text: str) -> Any:
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        _require_size(node)
        return node

    return _parsed(path, parse)


def read_values(path: Path) -> Any:
    """The values of a YAML file; raises as `read`."""
    return _parsed(path, value_of)


def _parsed(path: Path, parse: Callable[[str], Any]) -> Any:

    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        return parse(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PlanInvalid([Problem("", f"The file cannot be read: {reason}.", "", str(path))]) from None
    except not_a_value() as error:
        raise _not_yaml(error, text, path) from None


def _require_size(root: Any) -> None:
    """Raise RecursionError for a file whose aliases contain themselves, or multiply it beyond any plan's size."""
    left, waiting = MOST_NODES, [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > DEEPEST:
            raise RecursionError("it is nested too deeply")
        found = getattr(node, "value", None)
        if isinstance(found, list):
            pairs = (part if isinstance(part, tuple) else (part,) for part in found)
            waiting += [(part, depth + 1) for pair in pairs for part in pair]


def _not_yaml(error: Exception, text: str, path: Path) -> PlanInvalid:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "it is nested too deeply" * isinstance(error, RecursionError)
    said = said or "it has a value that cannot be read" * isinstance(error, (ValueError, OverflowError))
    said = said or "it is not YAML"
    line = min(mark.line + 1, max(1, len(text.splitlines()))) if mark else None
    remedy = "Check the indentation, and quote texts that contain : or #."
    if line and "${" in "".join(text.splitlines()[line - 1 : line]):
        remedy = 'Quote references inside { }: "${env:NAME}".'
    return PlanInvalid([Problem("", f"This is not valid YAML: {said}.", remedy, str(path), line)])
