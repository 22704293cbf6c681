"""Finds a Python interpreter of the version that a conda file requires.

A name on PATH is used only after it has run: pyenv has shims for every installed version, which
exit with 127 if the version is not selected.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tui.rehearsal.programs import output_of, without_secrets

_QUESTION = (
    "import json, sys, sysconfig; print(json.dumps([list(sys.version_info[:3]), sys.implementation.name,"
    " sysconfig.get_platform(), getattr(sys, '_base_executable', None) or sys.executable]))"
)
_NAME = re.compile(r"python(3(\.\d+)?)?")
_CLAUSE = re.compile(r"(==|!=|>=|<=|~=|>|<)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?")


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter that has run, with its own information about itself."""

    path: Path
    base: Path
    """The installed interpreter behind a virtual environment's, links resolved."""
    version: tuple[int, int, int]
    platform: str

    def __str__(self) -> str:
        return ".".join(map(str, self.version))


@dataclass(frozen=True)
class Choice:
    """The interpreter to build with; `warning` is a sentence if it differs from the conda file's version."""

    interpreter: Interpreter
    warning: str = ""


class NoInterpreter(Exception):
    """No usable Python 3 interpreter was found."""


def satisfies(version: tuple[int, ...], specifier: str) -> bool:
    """Whether a Python version meets pip's specifier (`==3.10.*`, `>=3.9,<3.12`); all clauses must hold."""
    clauses = []
    for operator, text, _ in _CLAUSE.findall(specifier):
        # 3.10 is any 3.10.x, as in conda; a single number is not a valid version for ~=.
        loose = operator in ("==", "!=") and text.count(".") < 2
        operator = ">=" if operator == "~=" and "." not in text else operator
        clauses.append(f"{operator}{text}{'.*' if loose else ''}")
    return SpecifierSet(",".join(clauses)).contains(".".join(map(str, version)), prereleases=True)


def _minor(specifier: str) -> tuple[int, int] | None:
    for operator, text, _ in _CLAUSE.findall(specifier):
        parts = tuple(map(int, text.split(".")))
        if operator in ("==", "~=", ">=", "<=") and len(parts) > 1:
            return parts[0], parts[1]
    return None


def candidates(environ: Mapping[str, str]) -> list[Path]:
    """Paths that may be Python interpreters, the current one first; they have not been run."""
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    home = Path.home()
    for root in (Path(environ.get("PYENV_ROOT") or home / ".pyenv") / "versions", home / ".local/share/uv/python"):
        with contextlib.suppress(OSError):
            folders += [entry / "bin" for entry in sorted(root.iterdir())]
    folders += [Path("/databricks/python3/bin"), Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")]
    found = [Path(sys.executable)]
    for folder in dict.fromkeys(folders):
        with contextlib.suppress(OSError):
            found += sorted(entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    # Shims come last: they forward calls, slowly, to interpreters that are found elsewhere too.
    return sorted(dict.fromkeys(found), key=lambda path: "shims" in path.parts)


_known: dict[tuple[str, int], Interpreter] = {}


async def probe(path: Path) -> Interpreter | None:
    """Run the interpreter; None if it does not run, is not CPython 3, or takes more than 20 seconds."""
    try:
        # A link to the same file is a different interpreter if it is in a virtual environment.
        stamp = (str(path), os.stat(path).st_mtime_ns)  # noqa: PTH116 (pathlib's is refused in async functions)
    except OSError:
        return None
    if stamp in _known:
        return _known[stamp]
    output = await output_of([path, "-I", "-c", _QUESTION], without_secrets(os.environ), 20)
    found = _answer(path, output[-1]) if output else None
    if found is not None:
        _known[stamp] = found
    return found


def _answer(path: Path, text: str) -> Interpreter | None:
    try:
        version, implementation, system, base = json.loads(text)
        found = Interpreter(path, Path(base).resolve(), (version[0], version[1], version[2]), system)
    except (ValueError, TypeError, IndexError):
        return None
    return found if implementation == "cpython" and found.version >= (3, 8) else None


def _split(paths: Iterable[Path], minor: tuple[int, int] | None) -> tuple[list[Path], list[Path]]:
    """Separate candidates with the wanted version in their name or folder from the others, without duplicates."""
    wanted = re.compile(rf"(python|/versions/|cpython-){minor[0]}\.{minor[1]}(\D|$)" if minor else r"(?!)")
    likely: list[Path] = []
    others: list[Path] = []
    seen: set[Path] = set()
    for path in paths:
        # python, python3 and python3.11 of one folder are usually the same file; pyenv has many shims.
        target = path.parent / path.resolve().name if path.resolve().parent == path.parent else path.resolve()
        if target not in seen:
            seen.add(target)
            (likely if wanted.search(str(path)) else others).append(path)
    return likely, others


async def find(specifier: str, environ: Mapping[str, str] | None = None) -> Choice:
    """Find an interpreter for pip's version specifier (empty: any, preferring the current one).

    If none meets it, the nearest minor version is used, a newer one before an older one, and the choice
    has a warning. Raises NoInterpreter if no interpreter on this machine runs.
    """
    environ = os.environ if environ is None else environ
    own = await probe(Path(sys.executable))
    if own is not None and satisfies(own.version, specifier):
        warning = "" if specifier else f"The conda file has no Python version; this machine's {own} is used."
        return Choice(own, warning)
    minor = _minor(specifier)
    seen: list[Interpreter] = [own] if own is not None else []
    patch_differs: Interpreter | None = None
    likely, others = _split(candidates(environ), minor)
    for path in likely:
        interpreter = await probe(path)
        if interpreter is not None and satisfies(interpreter.version, specifier):
            return Choice(interpreter)
        if interpreter is not None and interpreter.version[:2] == minor:
            patch_differs = patch_differs or interpreter
    few = asyncio.Semaphore(4)

    async def later(path: Path) -> Interpreter | None:
        async with few:
            return await probe(path)

    if patch_differs is None:
        seen += [found for found in await asyncio.gather(*map(later, others)) if found is not None]
    for interpreter in seen:
        if satisfies(interpreter.version, specifier):
            return Choice(interpreter)
    if patch_differs is not None:
        return Choice(patch_differs, f"Python {specifier} is not on this machine; {patch_differs} is used instead.")
    if not seen:
        raise NoInterpreter(
            f"No Python interpreter runs on this {platform.system()} machine. Install Python "
            f"{specifier or '3.10'}, or specify an interpreter with --scoring-python."
        )
    target = minor or (3, 10)
    nearest = min(seen, key=lambda one: (abs(one.version[1] - target[1]), -one.version[1]))
    return Choice(
        nearest,
        f"Python {specifier} is not on this machine; the nearest, {nearest}, is used instead. Azure will use the "
        "conda file's version, so packages may differ.",
    )
