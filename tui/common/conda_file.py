"""Reads conda files and other small YAML files: scalars as written, errors with their line.

Checks and image builds interpret the lines; here a file is only parsed.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

_LONGEST = 1_000_000  # bytes; a conda file or an MLmodel file has a few thousand
_OPTION = re.compile(r"(--[A-Za-z-]+|-[A-Za-z])[=\s]*(.*)$")
_LONG = {
    "-i": "--index-url", "-f": "--find-links", "-r": "--requirement", "-c": "--constraint", "-e": "--editable",
    "-q": "--quiet",
}  # fmt: skip
_CONDAS_PIN = re.compile(r"([A-Za-z0-9][\w.-]*(?:\[[^\]]*\])?\s*)=\s*([\w.*+!]+)\s*(?:;.*)?$")
_OF_FILES = ("--requirement", "--constraint", "--editable")
_LOCAL = re.compile(r"[./~]|file:|.*@\s*file:|[^@:]*/|[^@:]*\.whl$")


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML file: `content` with every scalar as written, or `problem` and its line if known."""

    content: Any = None
    problem: str = ""
    line: int | None = None


class Option(NamedTuple):
    """One of pip's options in its long form, its value, and the line as written."""

    name: str
    value: str
    written: str


@dataclass
class Lines:
    """The dependencies of a conda file: conda's, pip's requirements without comments, and pip's options.

    `local` are pip's lines that name files, which are not sent to Azure; `unread` those whose content is unknown: the
    lines of a requirements file are among the others. `problem` describes the first entry that is not a dependency,
    `wrong` is that entry as written.
    """

    conda: list[str] = field(default_factory=list)
    pip: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    problem: str = ""
    wrong: str = ""


def read_yaml(path: Path) -> YamlFile:
    """Read a file; never raises."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        return YamlFile(problem=f"{path.name} cannot be read: {error.strerror or error}.")
    if len(data) > _LONGEST:
        return YamlFile(
            problem=f"{path.name} is larger than {_LONGEST // 1_000_000} MB; it is probably not the right file."
        )
    return parse_yaml(data, path.name)


def parse_yaml(data: bytes | str, name: str) -> YamlFile:
    """Parse a file, called `name` in messages; never raises. Scalars stay texts, so 3.10 does not become 3.1."""
    import yaml

    try:
        return YamlFile(content=yaml.load(data, Loader=yaml.BaseLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        where = f", line {line}" if line else ""
        return YamlFile(problem=f"{name}{where}: {error.problem or error.context or 'not YAML'}.", line=line)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return YamlFile(problem=f"{name} is not YAML: {str(error).splitlines()[0]}.")


def take_apart(dependencies: Iterable[Any], name: str, folder: Path | None = None) -> Lines:
    """Parse the entries of `dependencies:` in a file, called `name` in messages; never raises.

    Requirements files that pip's lines name are read if `folder`, from which their paths start, is given.
    """
    lines = Lines()
    for item in dependencies:
        if isinstance(item, str):
            lines.conda.append(item.strip())
        elif isinstance(item, dict) and list(item) == ["pip"] and isinstance(item["pip"], list):
            for line in item["pip"]:
                if isinstance(line, str):
                    _pip_line(lines, line, name, folder)
                else:
                    _no_dependency(lines, f"{name}: {_short(line)} under pip is not one requirement.")
        elif isinstance(item, dict) and list(item) == ["pip"]:
            _no_dependency(lines, f"{name}: `pip:` must be a list with one requirement per line.")
        else:
            why = "is not a dependency; write name=version, without a space after a colon."
            _no_dependency(lines, f"{name}: {_short(item)} {why}")
    return lines


def _no_dependency(lines: Lines, problem: str, wrong: str = "") -> None:
    if not lines.problem:
        lines.problem, lines.wrong = problem, wrong


def _short(item: Any) -> str:
    return str(item if isinstance(item, str) else reprlib.repr(item))[:60]  # aliases can make an item of any size


def _pip_line(lines: Lines, written: str, name: str, folder: Path | None, depth: int = 0) -> None:
    line = re.sub(r"(^|\s)#.*$", "", written).strip()
    option = _OPTION.match(line)
    long = _LONG.get(option[1], option[1]) if option else ""
    if long in _OF_FILES or (not option and _LOCAL.match(line)):
        if depth == 0:
            lines.local.append(line)
        if (
            option is None
            or long == "--editable"
            or folder is None
            or not _read_file(lines, folder / option[2].strip(), depth)
        ):
            lines.unread.append(line)
    elif option:
        lines.options.append(Option(long, option[2].strip(), line))
    elif line:
        lines.pip.append(line)
        one = _CONDAS_PIN.match(line)
        if one:
            why = f"'{line}' under pip has conda's single '='; pip refuses it. Write {one[1].strip()}=={one[2]}."
            _no_dependency(lines, f"{name}: {why}", line)


def _read_file(lines: Lines, path: Path, depth: int) -> bool:
    """Take the lines of a requirements file; whether it could be read. Files in files are read three deep."""
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST)
        # By its first bytes, as pip does: the shell of Windows writes UTF-16.
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except (OSError, ValueError):
        return False
    if depth > 2:
        return False
    for line in text.replace("\\\n", " ").splitlines():
        # Hashes say nothing about what is installed.
        _pip_line(lines, re.sub(r"\s--hash=\S+", "", line), path.name, path.parent, depth + 1)
    return True


def line_of(path: Path, written: str) -> int | None:
    """The line of a file that has this text, to name it in messages; None if there is none. Never raises."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LONGEST)
    except (OSError, ValueError):
        return None
    alone = re.compile(rf"(?<![\w.-]){re.escape(written)}(?![\w.=<>!~-])")
    return next((number for number, line in enumerate(text.splitlines(), 1) if alone.search(line)), None)


def canonical(name: str) -> str:
    """The normalized name of a package: lower case, dashes (PyPA, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def name_in_model(python_function: Mapping[str, Any]) -> str:
    """The conda file named in the flavour python_function of an MLflow model."""
    named = python_function.get("env")
    named = named.get("conda") if isinstance(named, dict) else named
    return named if isinstance(named, str) else "conda.yaml"
