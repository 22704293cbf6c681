"""The environment of a plan that is made: the folder's own conda file or requirements.txt, and what these lack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from tui.checks.environment import conda_file, pins
from tui.checks.environment.conda_file import SERVER, CondaFile
from tui.checks.model.model_files import ModelFile
from tui.checks.scoring import module_packages
from tui.cloud.http import package_index
from tui.common.conda_file import canonical
from tui.common.conda_requirements import Requirements, before
from tui.common.deadlines import NoAnswer, Question
from tui.common.redact import without_logins
from tui.new_plan.folder_contents import FolderContents, Notes

PYTHONS = ("3.12", "3.13", "3.11", "3.10", "3.9")
"""The Python of the current base image first, then others by how long they are supported (python/devguide)."""
_LARGEST = 100_000  # characters of a Dockerfile
_SECONDS = 20.0  # for the package index
_SERVER_VERSION = "1.5.1"
_LIGHTER = {"xgboost": ("xgboost-cpu", "2.1"), "tensorflow": ("tensorflow-cpu", "2.0")}
"""The build without CUDA, and the release from which it exists; the default size has no GPU."""


def needed(model: ModelFile | None) -> dict[str, str]:
    """The packages that a model needs with their version specifiers."""
    if model is None:
        return {}
    own = {} if model.kind == "own" else {model.package: f"=={model.version}" if model.version else ""}
    wanted = {**own, **model.also}
    wanted = {name: f"=={given}" if re.match(r"\d", given) else given for name, given in wanted.items()}
    if any(before(f"{name}{given}") for name, given in wanted.items()):
        wanted["numpy"] = "<2"
    if not wanted.get("scikit-learn", "known") and before(f"xgboost{wanted.get('xgboost', '')}", "2.1.4"):
        wanted["scikit-learn"] = "<1.6"  # whose interface it has (XGBoost, release notes 2.1.4)
    if before(f"prophet{wanted.get('prophet', '')}", "1.2"):
        wanted["cmdstanpy"] = "<1.3"  # with which Prophet 1.1.7 does not find its own Stan
    if before(f"xgboost{wanted.get('xgboost', '')}", "1.7"):
        wanted["setuptools"] = "<81"  # its compat.py imports pkg_resources, which setuptools 82 does not have
    if "spacy" in wanted:
        wanted["click"] = ""  # its command line, which it imports itself, needs it; newer releases of typer lack it
    return {_lighter(name, given): given for name, given in wanted.items()}


def _lighter(name: str, given: str) -> str:
    lighter, first = _LIGHTER.get(name, (name, ""))
    return name if lighter == name or before(f"{name}{given}", first) else lighter


def make(found: FolderContents, wanted: Mapping[str, str], modules: list[str], code: Path, notes: Notes) -> Path | str:
    """The folder's conda file, or the text of one to write, for packages and modules; `code` is the script's folder."""
    own = _own(found, notes)
    lacking = {} if own.has_server else {SERVER: f"=={_SERVER_VERSION}"}
    for name, given in wanted.items():
        missing = module_packages.missing([module_packages.module_of(name)], own.packages, code)
        if missing or _unpinned(name, given, own, notes):
            lacking[name] = given
    imported = map(module_packages.package_for, module_packages.missing(modules, [*own.packages, *lacking], code))
    lacking.update(dict.fromkeys(imported, ""))
    taken = [name for name in lacking if name not in wanted and not module_packages.is_known(name)]
    if taken:
        text = f"packages are taken to have the names of the script's modules: {', '.join(taken)}"
        notes.add(text, "a package of that name can be somebody else's; look at it before a build", False)
    if own.found and not lacking:
        return own.path
    python = own.python or _python(found, own, lacking, notes)
    text = _text(own, lacking, python)
    written = without_logins(text)
    if written != text:
        how = "a connection of the workspace (Microsoft, how-to-use-private-python-packages) can give it to the build"
        notes.add("a login in a URL is left out", how, False)
    names = ", ".join(f"{name}{given}" for name, given in lacking.items() if name not in taken)
    if own.content and names:
        rests_on = "the script, the model's file, and Azure's inference server"
        notes.add(f"added to the packages of {own.path.name}: {names}", rests_on)
    for line in own.lines.unread:
        notes.add(f"{line} is left out", "it names a file that is not there, or is not sent to Azure", False)
    return written


def _own(found: FolderContents, notes: Notes) -> CondaFile:
    """The folder's conda file, or its requirements.txt as one; an empty one if it has neither."""
    for path in found.conda_files:
        own = conda_file.read(path)
        if not own.problem:
            notes.add(f"the environment {path.name}", str(path))
            return own
        notes.add(f"{path.name} is not used", own.problem, False)
    own = CondaFile(next(iter(found.requirements), found.folder))
    if found.requirements:
        conda_file.take(own, {"dependencies": [{"pip": [f"-r {own.path.name}"]}]})
        notes.add(f"the packages of {own.path.name}", own.path)
    return own


def _unpinned(name: str, given: str, own: CondaFile, notes: Notes) -> bool:
    """Whether a version that the model tells is not in a file's list; notes one that is another."""
    there = own.packages.get(canonical(name)) or own.packages.get(canonical(name.replace("-cpu", "")))
    if there and there.version and given.startswith("==") and there.version != given[2:]:
        text = f"{own.path.name} has {there.name} {there.version}, but the model was saved with {given[2:]}"
        notes.add(text, "both files; the environment is left as it is", False)
    listed = any(name.replace("-cpu", "") in one for one in own.packages)  # also pytorch, py-xgboost
    return bool(given) and (not there.wanted if there else not listed)


def _python(found: FolderContents, own: CondaFile, lacking: Mapping[str, str], notes: Notes) -> str:
    """The Python that a file of the folder names, else the first of PYTHONS with wheels of every pinned release."""
    for path in found.dockerfiles:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_LARGEST)
        told = re.search(r"^FROM\s+(?:--\S+\s+)*\S*python:(3\.\d+)", text, re.MULTILINE | re.IGNORECASE)
        if told:
            notes.add(f"Python {told[1]}", f"FROM in {path.name}")
            return told[1]
    lines = [*own.lines.pip, *(f"{name}{given}" for name, given in lacking.items())]
    pinned = [one for one in map(_requirement, lines) if one and str(one.specifier).startswith("==")]
    indexes = package_index.indexes([(one.name, one.value) for one in own.lines.options])
    asked = pins.Wanted(found.folder, PYTHONS[0], Requirements(), tuple(pinned), ())
    chosen, rests_on = PYTHONS[0], "no Python has wheels for all pinned packages"
    try:
        there = Question(lambda: pins.held(asked, indexes), _SECONDS).answer() if pinned else {}
    except (NoAnswer, package_index.Unreachable):
        there, rests_on = {}, "the base image's; no package index answered"
    for python in PYTHONS if there or not pinned else ():
        if all(_has_wheel(there.get(canonical(one.name)), one.specifier, python) for one in pinned):
            names = ", ".join(f"{one.name} {str(one.specifier)[2:]}" for one in pinned if canonical(one.name) != SERVER)
            rests_on = f"the first choice with wheels of {names}" if names else "the base image's"
            chosen = python
            break
    notes.add(f"Python {chosen}", rests_on, False)
    return chosen


def _has_wheel(releases: list[pins.Release] | None, specifier: SpecifierSet, python: str) -> bool:
    """Whether a release has a wheel; one that no index has tells nothing."""
    fitting = [one for one in releases or () if specifier.contains(one.version, prereleases=True)]
    return not fitting or any(one.wheel(python) for one in fitting)


def _requirement(line: str) -> Requirement | None:
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


_PYTHON = re.compile(r"(?:[\w.-]+::)?python(?![\w.-])")


def _text(own: CondaFile, lacking: Mapping[str, str], python: str) -> str:
    import yaml

    replaced = {"pip", *lacking, *(name.replace("-cpu", "") for name in lacking)}
    conda, pip = ([line for line in lines if canonical(line) not in replaced and not _PYTHON.match(line)]
                  for lines in (own.lines.conda, own.lines.pip))  # fmt: skip
    pip = [*(option.written for option in own.lines.options), *pip]
    channels = own.content.get("channels")
    version = python if re.match(r"[<>=!~]", python) else f"={python}"
    pip += [f"{name}{given}" for name, given in lacking.items()]
    made: dict[str, Any] = {
        "name": "scoring",
        "channels": channels if isinstance(channels, list) and channels else ["conda-forge"],
        "dependencies": [f"python{version}", "pip", *conda, {"pip": pip}],
    }
    head = (
        f"# Made from {own.path.name}, with what serving needs.\n"
        if own.content
        else "# The environment of score.py.\n"
    )
    return head + yaml.safe_dump(made, sort_keys=False, allow_unicode=True)
