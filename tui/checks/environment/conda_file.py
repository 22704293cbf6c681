"""What a conda file asks for: Python, packages, and whether the inference server is among them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.checks.environment import yaml_file

SERVER = "azureml-inference-server-http"
# azureml-defaults brings the server along (Microsoft, how-to-inference-server-http).
SERVER_PACKAGES = (SERVER, "azureml-defaults")

_NAME = re.compile(r"^\s*(?:[\w.-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(.*)$")


@dataclass(frozen=True)
class Package:
    """One requirement; `version` is set where it is pinned to one."""

    name: str
    wanted: str
    version: str | None
    manager: str


@dataclass
class CondaFile:
    """A conda file as read. `local` are the pip lines that name files which are not sent to Azure."""

    path: Path
    found: bool = False
    packages: dict[str, Package] = field(default_factory=dict)
    local: list[str] = field(default_factory=list)
    problem: str = ""
    line: int | None = None

    @property
    def python(self) -> str | None:
        """What is asked of Python: a version such as 3.10, or the written condition; None where nothing is."""
        package = self.packages.get("python")
        return (package.version or package.wanted or None) if package else None

    @property
    def has_server(self) -> bool:
        """Whether the package that runs score.py is installed."""
        return any(name in self.packages for name in SERVER_PACKAGES)


def canonical(name: str) -> str:
    """A package's name as package indexes compare it: lower case, dashes (PyPA, name normalization)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path) -> CondaFile:
    """Reads a conda file; never raises."""
    conda = CondaFile(path)
    try:
        conda.found = path.is_file()
    except OSError as error:
        conda.problem = f"{path} cannot be looked at: {error.strerror or error}."
        return conda
    if not conda.found:
        return conda
    read_file = yaml_file.read(path)
    conda.problem, conda.line = read_file.problem, read_file.line
    if conda.problem:
        return conda
    dependencies = read_file.content.get("dependencies") if isinstance(read_file.content, dict) else None
    if not isinstance(dependencies, list):
        conda.problem = f"{path.name} has no list `dependencies:`, so nothing would be installed."
        return conda
    for item in dependencies:
        _dependency(conda, item)
    return conda


def _dependency(conda: CondaFile, item: Any) -> None:
    if isinstance(item, str):
        _add(conda, item, "conda")
    elif isinstance(item, dict) and list(item) == ["pip"] and isinstance(item["pip"], list):
        for line in item["pip"]:
            if isinstance(line, str):
                _pip_line(conda, line.split(" #")[0].strip())
            else:
                conda.problem = conda.problem or f"{conda.path.name}: {_short(line)} under pip is not one requirement."
    elif isinstance(item, dict) and list(item) == ["pip"]:
        conda.problem = conda.problem or f"{conda.path.name}: `pip:` must hold a list, one requirement a line."
    else:
        conda.problem = conda.problem or (
            f"{conda.path.name}: {_short(item)} is not a dependency; write name=version, without a space after a colon."
        )


def _short(item: Any) -> str:
    return str(item)[:60]


def _pip_line(conda: CondaFile, line: str) -> None:
    if re.match(r"^(-r|-c|-e|--requirement|--constraint|--editable)\b", line) or re.match(r"^(\.{0,2}/|file:)", line):
        conda.local.append(line)
    elif line and not line.startswith("-"):
        # `name @ https://…` and `git+https://…#egg=name` name a package without a version to compare.
        egg = re.search(r"[#&]egg=([A-Za-z0-9._-]+)", line)
        _add(conda, egg.group(1) if egg else line.split(" @ ")[0], "pip")


def _add(conda: CondaFile, text: str, manager: str) -> None:
    match = _NAME.match(text.split(";")[0])
    if not match:
        return
    name, wanted = canonical(match.group(1)), match.group(2).strip()
    conda.packages[name] = Package(name, wanted, _pinned(wanted, manager), manager)


def _pinned(wanted: str, manager: str) -> str | None:
    """The version where the requirement allows only one: ==2.1.4, and conda's =2.1 and =2.1.4=build."""
    pattern = r"^={2,3}\s*([\w.!+-]+?)(?:\.\*)?$" if manager == "pip" else r"^={1,2}\s*([\w.!+-]+?)(?:\.\*)?(?:=\w+)?$"
    match = re.match(pattern, wanted)
    return match.group(1) if match else None
