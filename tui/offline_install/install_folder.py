"""Writes the folder of an offline install: wheels of aml-deploy and its dependencies, and install.py."""

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
from tui.offline_install.readme import readme
from tui.offline_install.wheels import GLIBC, Target, at_hand, choose, fetch, requirement_of
from tui.plain.failure import Failure

DESCRIPTION = "bundle.json"
WHEELS, ENVIRONMENT_WHEELS = "wheels", "environment-wheels"
ALWAYS = "rehearsal"
"""The extra that every offline install includes: the rehearsal needs it."""
_HEAD = "# Every package, with the hash of its wheel: pip install --no-index --find-links wheels --require-hashes -r …"


@dataclass
class Written:
    """The folder that was written: wheels, size in bytes, and notes for the user."""

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
    """Fetch all wheels and write the folder; `tell` receives one line of progress at a time.

    `environments` are scoring environments whose wheels are included too, by display name, such as
    `churn.yml, deployment blue`.
    Everything is prepared on local disk first, since a volume may accept whole files only. Raises Failure.
    """
    refuse_foreign(folder, DESCRIPTION, replace)
    made = Written(folder)
    settings = package_indexes.needs()
    with tempfile.TemporaryDirectory(prefix="aml-deploy-offline-") as scratch:
        local = Path(scratch) / "folder"
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
        (local / "README.txt").write_text(readme(about), encoding="utf-8")
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
    """Fetch the wheels of a scoring environment, for its own Python and for those that may replace it.

    The rehearsal uses the nearest Python if the conda file's is missing, so an offline install for Python 3.11 holds
    the packages of a Python 3.10 environment for both.
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
    """Fetch the wheels of requirement lines; those already fetched for another Python are reused."""
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
    """Raise Failure for a folder that is not empty, unless this program wrote it and it may be replaced."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / mark).is_file():
        raise Failure(f"{folder} already exists and was not written by this command. Name another folder with -o.", 2)
    if not replace:
        raise Failure(f"{folder} already exists. Replace it with --force, or name another folder with -o.", 2)


def put(local: Path, folder: Path) -> None:
    """Copy a finished folder to its destination, replacing what is there, whole files only. Raises Failure."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        for path in sorted(local.rglob("*")):
            there = folder / path.relative_to(local)
            if path.is_dir():
                there.mkdir(exist_ok=True)
            else:
                shutil.copyfile(path, there)  # not copy2: a volume refuses permissions and times
    except OSError as error:
        raise Failure(f"{error.filename or folder} cannot be written: {error.strerror or error}.") from None


def megabytes(size: int) -> str:
    """A size in bytes as text, in MB."""
    return f"{size / 1e6:.0f} MB"


def shown(folder: Path) -> str:
    """The absolute path of a folder, with links kept."""
    return os.path.abspath(folder)  # noqa: PTH100 (resolve() would follow links)
