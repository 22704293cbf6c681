"""Check that a release of each package exists for the Python version of the environment.

The package index is queried for each package in the conda file, not for the dependencies of these: for machines without
uv, and for what uv does not answer (`tui.checks.environment.resolution`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from tui.checks.environment import conda_file
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.model.artifact_findings import mlflow_without_code
from tui.cloud.http import package_index
from tui.cloud.http.package_index import File, Indexes, Unreachable
from tui.common import conda_requirements
from tui.common.conda_file import canonical, line_of
from tui.common.conda_requirements import Requirements
from tui.common.deadlines import NoAnswer, Question
from tui.common.redact import hide_logins
from tui.plan.model import Plan

FIELD = "deployment.environment.conda_file"
_MODEL = "deployment.model.path"
DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"
# A workspace can have a connection to a private Python feed, which only the build can read (Microsoft,
# how-to-use-private-python-packages): packages that are missing elsewhere may be in it.
_FEED = "or add its index to the file, unless the workspace has a connection to a feed that has it"
NOT_ASKED = "could not be checked from here"
_AT_ONCE = 8
_MOST = 80  # packages per file
_ELSEWHERE = ("--find-links", "--no-index")  # files that are found without an index


@dataclass(frozen=True)
class Wanted:
    """A conda file's requirements, and those with a name that apply on Linux with its Python; the options of pip.

    conda's packages have their names on PyPI, by which they are looked up too.
    """

    path: Path
    python: str
    all: Requirements
    requirements: tuple[Requirement, ...]
    options: tuple[tuple[str, str], ...]

    @property
    def elsewhere(self) -> bool:
        """Whether files are found without an index."""
        return any(name in _ELSEWHERE for name, _ in self.options)

    def of_conda(self, name: str) -> bool:
        """Whether conda's part of the file names this package."""
        return any(canonical(Requirement(line).name) == canonical(name) for line in self.all.conda)

    def place(self, name: str) -> str:
        """The requirement as written, with its line; empty for a package that the file does not name."""
        for line in reversed(self.all.packages):
            found = re.match(r"[A-Za-z0-9][\w.-]*", line)
            if found and canonical(found[0]) == canonical(name):
                written = self.all.conda.get(line, line)
                number = line_of(self.path, written)
                shown = hide_logins(written.rpartition("::")[2])  # a channel's address may hold a token
                return f"{shown} (line {number})" if number else shown
        return ""


@dataclass
class Release:
    """One version of a package with its files."""

    version: Version
    files: list[File] = field(default_factory=list)

    def taken(self, python: str) -> list[File]:
        """The files that this Python on Linux can use."""
        return [file for file in self.files if _fits(file, python)]

    def wheel(self, python: str) -> File | None:
        """A file that is installed without a build (a wheel)."""
        return next((file for file in self.taken(python) if file.name.endswith(".whl")), None)


def wanted(plan: Plan) -> Wanted | None:
    """The requirements to check; None if the image is not built from a readable conda file."""
    path = plan.deployment.environment.conda_file
    model = plan.deployment.model.path
    if path is None and mlflow_without_code(plan) and model is not None:
        path = Path(model) / "conda.yaml"
    if path is None:
        return None
    conda = conda_file.read(path)
    python = re.match(r"^\d+\.\d+(?:\.\d+)?$", conda.python or "")
    if not conda.found or conda.problem or conda.lines.unread or not python:
        return None
    options = tuple(
        (name, value.split()[0] if value else "")
        for name, value, _ in conda.lines.options
        if name in conda_requirements.FLAG_OPTIONS or (value and name in conda_requirements.VALUE_OPTIONS)
    )
    everything = conda_requirements.translate(conda.lines)
    asked = []
    for line in everything.packages:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue  # a URL
        if requirement.url is None and (requirement.marker is None or requirement.marker.evaluate(_machine(python[0]))):
            asked.append(requirement)
    return Wanted(path, python[0], everything, tuple(asked[:_MOST]), options)


def _machine(python: str) -> dict[str, str]:
    """The values of environment markers on the instances."""
    return {
        "python_version": ".".join(python.split(".")[:2]),
        "python_full_version": _full(python),
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def _full(python: str) -> str:
    """A version with all its parts; without the last part, pip installs the newest."""
    return python if python.count(".") > 1 else f"{python}.99"


def held(asked: Wanted, indexes: Indexes) -> dict[str, list[Release] | None]:
    """The releases of every requested package; None for a package that does not exist. Raises Unreachable."""
    names = list(dict.fromkeys(canonical(one.name) for one in asked.requirements))
    indexes.files(names[0])  # if the index does not answer, one query is enough to know
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="index") as pool:
        files = list(pool.map(indexes.files, names))
    return {name: None if found is None else _releases(found) for name, found in zip(names, files)}


def _releases(files: Sequence[File]) -> list[Release]:
    """The files by version, oldest first; files without a version in their name are omitted."""
    written: dict[str, list[File]] = {}
    for file in files:
        written.setdefault(_written(file.name), []).append(file)
    found: dict[Version, Release] = {}
    for text, those in written.items():
        if _plain(text):
            found.setdefault(Version(text), Release(Version(text))).files.extend(those)
    return [found[version] for version in sorted(found)]


def _written(name: str) -> str:
    """The version in a file name, without parsing the whole name, which is slow for hundreds of files."""
    if name.endswith(".whl"):
        return name.partition("-")[2].partition("-")[0]
    stem = re.sub(r"\.(tar\.gz|zip|tar\.bz2)$", "", name)
    return stem.rpartition("-")[2] if stem != name else ""


def _fits(file: File, python: str) -> bool:
    """Whether this Python on Linux can use a file; a source package counts if its condition is met."""
    try:
        if file.requires_python and not SpecifierSet(file.requires_python).contains(_full(python)):
            return False
    except InvalidSpecifier:
        pass
    if not file.name.endswith(".whl"):
        return True
    major, minor = (int(part) for part in python.split(".")[:2])
    try:
        tags = parse_wheel_filename(file.name)[3]
    except (InvalidWheelFilename, InvalidVersion):
        return False
    return any(_tag_fits(tag.interpreter, tag.abi, tag.platform, major, minor) for tag in tags)


def _tag_fits(interpreter: str, abi: str, platform: str, major: int, minor: int) -> bool:
    if platform != "any" and not ("linux" in platform and platform.endswith("x86_64")):
        return False
    told = re.match(r"^(py|cp)(\d)(\d*)$", interpreter)
    if not told or int(told.group(2)) != major:
        return False
    least = int(told.group(3) or 0)
    if told.group(1) == "py" or abi == "abi3":
        return least <= minor
    return least == minor


def check(plan: Plan, asked: Wanted, limit: float) -> list[Finding]:
    """Findings about the packages, within `limit` seconds."""
    indexes = package_index.indexes(asked.options)
    field = field_of(plan)
    at = f"{asked.path}, {indexes.hosts}"
    if not asked.requirements or not indexes.urls or asked.elsewhere:
        return []
    question = Question(lambda: _findings(asked, indexes, field, at), limit)
    try:
        return question.answer()
    except NoAnswer as late:
        reason = str(late)
    except Unreachable as error:
        reason = f"{error}."
    message = f"Whether all packages of {asked.path.name} have a release {NOT_ASKED}: {reason}"
    return [Finding("pins", UNKNOWN, field, message, looked_at=at)]


def field_of(plan: Plan) -> str:
    """The plan's key with the conda file: the environment's own, or the model's."""
    return FIELD if plan.deployment.environment.conda_file else _MODEL


def _findings(asked: Wanted, indexes: Indexes, field: str, at: str) -> list[Finding]:
    there = held(asked, indexes)
    # A mirror can lack packages that the index used by Azure has.
    severity = BLOCKER if indexes.own else WARNING
    found: list[Finding] = []
    chosen: dict[str, list[Release]] = {}

    def say(severity: str, message: str, remedy: str) -> None:
        found.append(Finding("pins", severity, field, f"{asked.path.name}{where}: {message}", remedy, DOCS, at))

    for one in asked.requirements:
        name = canonical(one.name)
        where = asked.place(name).partition(" (")[2].rstrip(")")
        where = where and f", {where}"
        releases = there[name]
        if releases is None and asked.of_conda(one.name):
            continue
        if releases is None:
            say(WARNING, f"there is no package {one.name} on {indexes.hosts}.", f"Correct its name, {_FEED}.")
            continue
        allowed = set(one.specifier.filter([item.version for item in releases], prereleases=_early(one)))
        matching = [item for item in releases if item.version in allowed]
        if not matching:
            newest = next((str(item.version) for item in reversed(releases) if not item.version.is_prerelease), "")
            known = f" The newest is {newest}." if newest else ""
            say(WARNING, f"there is no release {one.name}{one.specifier} on {indexes.hosts}.{known}",
                f"Use an existing release, {_FEED}.")  # fmt: skip
            continue
        usable = [item for item in matching if item.taken(asked.python)]
        if not usable:
            last = matching[-1]
            needs = next((file.requires_python for file in last.files if file.requires_python), "")
            why = f" (it needs Python {needs})" if needs else ""
            say(severity, f"{one.name} {last.version} does not support Python {asked.python}{why}.",
                "Choose another release, or another Python.")  # fmt: skip
            continue
        chosen[name] = usable
        last = usable[-1]
        if last.wheel(asked.python) is None and any(file.name.endswith(".whl") for file in last.files):
            then = "it would be built from source, for which the image may lack tools."
            if asked.of_conda(name):
                then = "conda channels rarely have a build either."
            say(WARNING, f"{one.name} {last.version} has wheels, but none for Python {asked.python} on Linux: {then}",
                "Choose a release with a wheel, or another Python.")  # fmt: skip
    where = ""
    for message, of_conda in _conflicts(asked, chosen):
        say(WARNING if of_conda else severity, message, "Change one of the two.")
    if not found:
        count = len(asked.requirements)
        listed = "the package" if count == 1 else f"each of the {count} packages"
        message = f"{indexes.hosts} has a release for Python {asked.python} of {listed} in {asked.path.name}."
        found.append(Finding("pins", OK, field, message, looked_at=at))
    return found


def _early(one: Requirement) -> bool | None:
    """Whether pre-releases are allowed: only if one is requested by version."""
    return True if any(Version(spec.version).is_prerelease for spec in one.specifier if _plain(spec.version)) else None


def _plain(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _conflicts(asked: Wanted, chosen: dict[str, list[Release]]) -> Iterator[tuple[str, bool]]:
    """Packages pinned to a release that requires a version of another listed package which the list excludes.

    With whether conda chooses one of the two.
    """
    pinned = [(name, releases[0]) for name, releases in chosen.items() if len(releases) == 1]
    wheels = [release.wheel(asked.python) or File("") for _, release in pinned]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="metadata") as pool:
        required = list(pool.map(package_index.requirements, wheels))
    for (name, release), lines in zip(pinned, required):
        for line in lines:
            try:
                needs = Requirement(line)
            except InvalidRequirement:
                continue
            other = chosen.get(canonical(needs.name))
            if other is None or (needs.marker and not needs.marker.evaluate(_machine(asked.python))):
                continue
            if not any(needs.specifier.contains(item.version, prereleases=True) for item in other):
                listed = ", ".join(
                    str(one) for one in asked.requirements if canonical(one.name) == canonical(needs.name)
                )
                message = (
                    f"{name} {release.version} needs {needs.name}{needs.specifier}, but the file requests {listed}."
                )
                yield message, asked.of_conda(name) or asked.of_conda(needs.name)
