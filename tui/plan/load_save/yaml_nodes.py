"""YAML as nodes, which know their lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from tui.plan.problems import PlanInvalid, Problem


def read(path: Path) -> Any:
    """The root node of a YAML file, None where the file is empty.

    Raises PlanInvalid with file and line for what cannot be read or is not YAML.
    """
    import yaml

    text = _text(path)
    try:
        return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        _refuse(error, text, path)


def read_values(path: Path) -> Any:
    """What a whole YAML file means; raises as `read`."""
    import yaml

    text = _text(path)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        _refuse(error, text, path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise PlanInvalid([Problem("", f"The file cannot be read: {reason}.", "", str(path))]) from None


def _refuse(error: Exception, text: str, path: Path) -> NoReturn:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or "it is not YAML"
    line = min(mark.line + 1, max(1, len(text.splitlines()))) if mark else None
    remedy = "Check the indentation, and put quotes around texts with : or #."
    if line and "${" in "".join(text.splitlines()[line - 1 : line]):
        remedy = 'Inside { } a reference needs quotes: "${env:NAME}".'
    raise PlanInvalid([Problem("", f"This is not valid YAML: {said}.", remedy, str(path), line)]) from None
