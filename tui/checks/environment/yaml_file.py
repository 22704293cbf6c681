"""Reading a small YAML file of other people: as text, with the line of what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST = 1_000_000  # bytes; a conda file or an MLmodel file has a few thousand


@dataclass(frozen=True)
class YamlFile:
    """`content` with every scalar as the text that is written; or `problem`, with its line where there is one."""

    content: Any = None
    problem: str = ""
    line: int | None = None


def read(path: Path) -> YamlFile:
    """Reads a file; never raises. Numbers stay texts: a version 3.10 must not become 3.1."""
    import yaml

    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        return YamlFile(problem=f"{path.name} cannot be read: {error.strerror or error}.")
    if len(data) > _LONGEST:
        return YamlFile(problem=f"{path.name} is larger than {_LONGEST // 1_000_000} MB; it is hardly the right file.")
    try:
        return YamlFile(content=yaml.load(data, Loader=yaml.BaseLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        where = f", line {line}" if line else ""
        return YamlFile(problem=f"{path.name}{where}: {error.problem or error.context or 'not YAML'}.", line=line)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return YamlFile(problem=f"{path.name} is not YAML: {str(error).splitlines()[0]}.")
