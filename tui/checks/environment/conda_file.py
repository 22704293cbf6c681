"""Read a conda file: Python version, packages, and whether it includes the inference server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tui.common.conda_file import Lines, canonical, line_of, read_yaml, take_apart

SERVER = "azureml-inference-server-http"
# azureml-defaults includes the server (Microsoft, how-to-inference-server-http).
SERVER_PACKAGES = (SERVER, "azureml-defaults")

_NAME = re.compile(r"^\s*(?:[\w.-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$")
# The version if the requirement allows only one: ==2.1.4, or conda's =2.1 and =2.1.4=build.
_PINNED_BY_PIP = re.compile(r"^={2,3}\s*([\w.!+-]+?)(?:\.\*)?$")
_PINNED_BY_CONDA = re.compile(r"^={1,2}\s*([\w.!+-]+?)(?:\.\*)?(?:=[\w.*]+)?$")


@dataclass(frozen=True)
class Package:
    """One requirement; `version` is set if it is pinned."""

    name: str
    wanted: str
    version: str | None


@dataclass
class CondaFile:
    """A conda file: its `content` as written, and its dependencies with their lines."""

    path: Path
    found: bool = False
    content: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)
    problem: str = ""
    line: int | None = None

    @cached_property
    def packages(self) -> dict[str, Package]:
        """The packages that are requested by name, from conda and pip."""
        found = [_package(line, _PINNED_BY_CONDA) for line in self.lines.conda]
        found += [_package(_named(line), _PINNED_BY_PIP) for line in self.lines.pip]
        return {package.name: package for package in found if package}

    @property
    def local(self) -> list[str]:
        """The pip lines that refer to local files, which are not sent to Azure."""
        return self.lines.local

    @property
    def python(self) -> str | None:
        """The requested Python: a version such as 3.10, or the condition as written; None if there is none."""
        package = self.packages.get("python")
        return (package.version or package.wanted or None) if package else None

    @property
    def has_server(self) -> bool:
        """Whether the package that runs score.py is included."""
        return any(name in self.packages for name in SERVER_PACKAGES)


def read(path: Path) -> CondaFile:
    """Read a conda file; never raises."""
    conda = CondaFile(path)
    try:
        conda.found = path.is_file()
    except OSError as error:
        conda.problem = f"{path} cannot be read: {error.strerror or error}."
    if conda.found:
        file = read_yaml(path)
        conda.problem, conda.line = file.problem, file.line
        if not conda.problem:
            take(conda, file.content)
    return conda


def take(conda: CondaFile, content: Any) -> None:
    """Parse the content of a conda file, or record the problem with it."""
    dependencies = content.get("dependencies") if isinstance(content, dict) else None
    if not isinstance(dependencies, list):
        conda.problem = f"{conda.path.name} has no list `dependencies:`, so nothing would be installed."
        return
    conda.content, conda.lines = content, take_apart(dependencies, conda.path.name, conda.path.parent)
    conda.problem = conda.lines.problem
    conda.line = line_of(conda.path, conda.lines.wrong) if conda.lines.wrong else None
    if conda.line:
        conda.problem = conda.problem.replace(f"{conda.path.name}:", f"{conda.path.name}, line {conda.line}:", 1)


def _named(line: str) -> str:
    """`name @ https://…` and `git+https://…#egg=name` specify a package without a version to compare."""
    egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
    return egg.group(1) if egg else line.split(" @ ")[0]


def _package(text: str, pinned: re.Pattern[str]) -> Package | None:
    match = _NAME.match(text.split(";")[0])
    if not match:
        return None
    wanted = match.group(2).strip()
    version = pinned.match(wanted)
    return Package(canonical(match.group(1)), wanted, version.group(1) if version else None)
