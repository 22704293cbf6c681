"""Read YAML files as nodes, which have line numbers, or as values."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from tui.plan.problems import PlanInvalid, Problem


def read(path: Path) -> Any:
    """The root node of a YAML file, or None if the file is empty.

    Raises PlanInvalid, with file and line, if the file cannot be read or is not YAML.
    """
    import yaml

    return _parsed(path, lambda text: yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def read_values(path: Path) -> Any:
    """The values of a YAML file; raises as `read`."""
    import yaml

    return _parsed(path, yaml.safe_load)


def _parsed(path: Path, parse: Callable[[str], Any]) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors write a byte order mark
        return parse(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PlanInvalid([Problem("", f"The file cannot be read: {reason}.", "", str(path))]) from None
    except yaml.YAMLError as error:
        raise _not_yaml(error, text, path) from None


def _not_yaml(error: Exception, text: str, path: Path) -> PlanInvalid:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "it is not YAML"
    line = min(mark.line + 1, max(1, len(text.splitlines()))) if mark else None
    remedy = "Check the indentation, and quote texts that contain : or #."
    if line and "${" in "".join(text.splitlines()[line - 1 : line]):
        remedy = 'Quote references inside { }: "${env:NAME}".'
    return PlanInvalid([Problem("", f"This is not valid YAML: {said}.", remedy, str(path), line)])
