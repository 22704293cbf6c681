"""Writes the folder from which aml-deploy is installed where there is no package index."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from tui import __version__
from tui.offline_install import own_wheel, package_indexes
from tui.offline_install.package_indexes import Wanted
from tui.offline_install.readme import of_bundle
from tui.offline_install.wheels import GLIBC, Target, at_hand, choose, fetch, requirement_of
from tui.plain.failure import Failure

DESCRIPTION = "bundle.json"
WHEELS, ENVIRONMENT_WHEELS = "wheels", "environment-wheels"
ALWAYS = "rehearsal"
"""The extra that every bundle has: without it nothing could be rehearsed."""
_HEAD = "# Every package with the hash of its wheel: pip install --no-index --find-links wheels --require-hashes -r …"


@dataclass
class Written:
    """What was written."""

    folder: Path
    wheels: int = 0
    bytes: int = 0
    notes: list[str] = field(default_factory=list)


def write(
    folder: Path,
    *,
    pythons: Sequence[str],
    machine: str = "x86_64",
    extras: Sequence[str] = (),
    environments: Mapping[str, Wanted] | None = None,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Written:
    """Fetch everything and write the folder; `tell` gets a line of progress at a time.

    `environments` are scoring environments whose wheels go into it too, by names for people such as
    `churn.yml, deployment blue`.
    The folder may be on a volume that takes whole files only: all is made on local disk first. Raises Failure.
    """
    refuse_foreign(folder, DESCRIPTION, replace)
    made = Written(folder)
    settings = package_indexes.needs()
    with tempfile.TemporaryDirectory(prefix="aml-deploy-bundle-") as scratch:
        local = Path(scratch) / "bundle"
        (local / WHEELS).mkdir(parents=True)
        tell("The wheel of aml-deploy itself")
        own = own_wheel.make(local / WHEELS, settings)
        asked = sorted({ALWAYS, *extras})
        described: dict[str, Any] = {}
        for python in pythons:
            target = Target(python, machine)
            tell(f"Wheels for {target}")
            chosen = choose([f"aml-deploy[{','.join(asked)}] @ {own.as_uri()}", "pip"], target, settings)
            others = _fetched([line for line in chosen if not line.startswith("aml-deploy ")], target, local, settings)
            lines = sorted([requirement_of(own, asked), *map(requirement_of, others)])
            (local / f"requirements-{python}.txt").write_text("\n".join([_HEAD, *lines, ""]), encoding="utf-8")
            described[python] = {wheel.name: wheel.stat().st_size for wheel in (own, *others)}
        names = [
            _environment(name, wanted, pythons, machine, local, made, tell)
            for name, wanted in (environments or {}).items()
        ]
        about = {
            "version": __version__,
            "machine": machine,
            "glibc": list(GLIBC),
            "extras": asked,
            "pythons": described,
            "environments": names,
        }
        (local / DESCRIPTION).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        shutil.copyfile(Path(__file__).with_name("install.py"), local / "install.py")
        (local / "README.txt").write_text(of_bundle(about), encoding="utf-8")
        wheels = list(local.rglob("*.whl"))
        made.wheels, made.bytes = len(wheels), sum(path.stat().st_size for path in wheels)
        tell(f"Writing {folder}")
        put(local, folder)
    return made


def _environment(
    name: str,
    wanted: Wanted,
    pythons: Sequence[str],
    machine: str,
    local: Path,
    made: Written,
    tell: Callable[[str], None],
) -> str:
    """Fetch the wheels of a scoring environment for its own Python and for those that may stand in for it.

    The rehearsal takes the nearest Python where the conda file's is missing: so a bundle for Python 3.11 has the
    packages of an environment with Python 3.10 for both.
    """
    own = wanted.minor or pythons[0]
    (local / ENVIRONMENT_WHEELS).mkdir(exist_ok=True)
    made.notes += [f"{name}: {note}" for note in wanted.notes]
    got = []
    for python in dict.fromkeys([own, *pythons]):
        target = Target(python, machine)
        tell(f"Wheels of {name} for {target}")
        try:
            lines = choose(wanted.packages, target, wanted)
            _fetched(lines, target, local, wanted, ENVIRONMENT_WHEELS)
            got.append(python)
        except Failure as failure:
            if python == own:
                raise
            said = [line.strip(" |") for line in str(failure).splitlines()[1:]]
            why = next((line for line in said if line.startswith("cause:")), said[0])
            made.notes.append(f"{name}: not for Python {python}. {why.replace('cause: ', '')}")
    return f"{name} (Python {', '.join(got)})"


def _fetched(lines: Sequence[str], target: Target, local: Path, wanted: Wanted, folder: str = WHEELS) -> list[Path]:
    """The wheels of requirement lines, in the bundle's folder. Most are for every Python, and are fetched once."""
    there = [local / name for name in (WHEELS, ENVIRONMENT_WHEELS) if (local / name).is_dir()]
    found, missing = [], []
    for line in lines:
        known = at_hand(line, target, there)
        if known is None:
            missing.append(line)
        elif known.parent == local / folder:
            found.append(known)
        else:
            found.append(shutil.copyfile(known, local / folder / known.name))
    if missing:
        with tempfile.TemporaryDirectory(dir=local.parent) as scratch:
            fetch(missing, target, Path(scratch), wanted)
            found += [wheel.replace(local / folder / wheel.name) for wheel in Path(scratch).iterdir()]
    return sorted(found)


def refuse_foreign(folder: Path, mark: str, replace: bool) -> None:
    """Raise Failure for a folder that holds something already, unless it is one of ours and may be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / mark).is_file():
        raise Failure(f"{folder} is there already, and is not one that this command made. Name another with -o.", 2)
    if not replace:
        raise Failure(f"{folder} is there already. Replace it with --force, or name another folder with -o.", 2)


def put(local: Path, folder: Path) -> None:
    """Copy a finished folder to its place: whole files only, in the place of what was there. Raises Failure."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for path in sorted(local.rglob("*")):
            there = folder / path.relative_to(local)
            if path.is_dir():
                there.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, there)  # no permissions and times: a volume refuses them
    except OSError as error:
        raise Failure(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from None


def megabytes(size: int) -> str:
    """A size for people."""
    return f"{size / 1e6:.0f} MB"


def shown(folder: Path) -> str:
    """A folder as it was named, absolute."""
    return os.path.abspath(folder)  # noqa: PTH100 (links are kept as they are)
