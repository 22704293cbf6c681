"""Resolves packages for a Python on another machine, and fetches their wheels.

uv resolves, since pip evaluates markers (`python_version < "3.10"`) for the Python that runs it, not for the target
(pip, issue 11664). pip then downloads exactly the resolved versions and checks their hashes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.common import child_process, uv_program
from tui.common.redact import hide_logins
from tui.offline_install.package_indexes import Wanted, for_pip
from tui.plain.failure import Failure

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
GLIBC = (2, 28)
"""Wheels for newer C libraries are not used. Ubuntu 20.04, the base of the oldest images in use, has 2.31."""
_LINES, _WIDTH = 25, 400
_AT_ONCE = 4
_PASSED_BY = re.compile(r"^WARNING: Location .* is ignored|Ignored the following")


@dataclass(frozen=True)
class Target:
    """The platform that wheels are for: CPython of one minor version on Linux with glibc."""

    python: str
    machine: str = "x86_64"

    def __str__(self) -> str:
        return f"Python {self.python} on {self.machine}"

    @property
    def for_uv(self) -> list[str]:
        platform = f"{self.machine}-manylinux_{GLIBC[0]}_{GLIBC[1]}"
        return ["--python-version", self.python, "--python-platform", platform]

    @property
    def tags(self) -> frozenset[Any]:
        """Every tag (packaging.tags.Tag) of wheels that run on this target."""
        from packaging.tags import compatible_tags, cpython_tags

        version = (3, int(self.python.partition(".")[2]))
        native = cpython_tags(version, platforms=self.platforms)
        return frozenset([*native, *compatible_tags(version, "cp", platforms=self.platforms)])

    @property
    def platforms(self) -> list[str]:
        """Every platform whose wheels run on this target (PEP 600), newest first."""
        platforms = [f"manylinux_{GLIBC[0]}_{minor}_{self.machine}" for minor in range(GLIBC[1], 4, -1)]
        platforms += [f"manylinux2014_{self.machine}", f"linux_{self.machine}"]
        if self.machine == "x86_64":
            platforms += ["manylinux2010_x86_64", "manylinux1_x86_64"]
        return platforms

    @property
    def for_pip(self) -> list[str]:
        """The options of `pip download` for this target."""
        return [
            "--implementation=cp",
            # 3.9 would be read as 3.9.0, which some packages exclude by name.
            f"--python-version={self.python}.99",
            *(f"--platform={platform}" for platform in self.platforms),
        ]


def choose(requirements: Sequence[str], target: Target, source: Wanted) -> list[str]:
    """Resolve requirements for a target into lines with versions and hashes (`name==1.0 --hash=sha256:…`).

    Only wheels are considered. Raises Failure with uv's message if they cannot be resolved.
    """
    command = [uv(), "pip", "compile", "-", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
    command += ["--only-binary", ":all:", *target.for_uv]
    done = run([*command, *source.arguments], source.environ, "\n".join(requirements) + "\n")
    if done.returncode != 0:
        raise Failure(
            f"The packages for {target} cannot be resolved.\n{indented(done.stderr)}\n"
            "Only wheels are used. If a package has none, build one on a machine like the target (pip wheel NAME) "
            "and set PIP_FIND_LINKS to its folder."
        )
    text = done.stdout.replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith(("#", "-"))]


def fetch(lines: Sequence[str], target: Target, folder: Path, source: Wanted) -> None:
    """Download the wheels of resolved requirement lines into a folder. Raises Failure with pip's message."""
    with tempfile.TemporaryDirectory(prefix="aml-deploy-") as scratch:
        pip = _pip(Path(scratch), source)

        def part(number: int) -> subprocess.CompletedProcess[str]:
            locked = Path(scratch) / f"{number}.txt"
            locked.write_text("\n".join(lines[number::_AT_ONCE]) + "\n", encoding="utf-8")
            command = [*pip, "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
            command += [*target.for_pip, f"--dest={folder}", f"--requirement={locked}"]
            return run(command, for_pip(source))

        # One pip mostly waits for one response at a time.
        with ThreadPoolExecutor(_AT_ONCE) as several:
            ended = list(several.map(part, range(min(_AT_ONCE, len(lines)))))
        said = [done.stderr for done in ended if done.returncode != 0]
    if said:
        raise Failure(
            f"The wheels for {target} cannot be fetched.\n{indented(said[0])}\n"
            "Index, proxy and certificates are taken from the settings of pip and uv on this machine."
        )


def at_hand(line: str, target: Target, folders: Sequence[Path]) -> Path | None:
    """A wheel in one of the folders that meets a resolved requirement line and runs on the target, or None."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name, parse_wheel_filename

    wanted = Requirement(line.partition(" --hash=")[0])
    name = canonicalize_name(wanted.name)
    for folder in folders:
        for wheel in folder.glob("*.whl"):
            its_name, version, _, tags = parse_wheel_filename(wheel.name)
            if its_name != name or not wanted.specifier.contains(version, prereleases=True) or not tags & target.tags:
                continue
            if f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" in line:
                return wheel
    return None


def requirement_of(wheel: Path, extras: Sequence[str] = ()) -> str:
    """The requirement line, with hash, that only this wheel meets."""
    name, version = wheel.name.split("-")[:2]
    asked = f"{name.replace('_', '-').lower()}{'[' + ','.join(extras) + ']' if extras else ''}"
    return f"{asked}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def uv() -> str:
    """The path of the program uv. Raises Failure."""
    found = uv_program.find()
    if found is None:
        raise Failure("The program uv, which resolves the packages, is not installed. Install aml-deploy[rehearsal].")
    return found


def _pip(scratch: Path, source: Wanted) -> list[str]:
    """The command of a working pip: this interpreter's, a temporary download, or one on PATH. Raises Failure."""
    if importlib.util.find_spec("pip") is not None:
        return child_process.command("pip")
    fetched = scratch / "pip"
    done = run([uv(), "pip", "install", "--quiet", *source.arguments, "--target", str(fetched), "pip"], source.environ)
    if done.returncode == 0:
        return [sys.executable, str(fetched / "pip")]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        raise Failure(f"pip, which downloads the wheels, is not installed.\n{indented(done.stderr)}")
    return [found]


def run(
    command: Sequence[str], environ: dict[str, str], text: str = "", cwd: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program with `text` as its standard input; return it when it has ended."""
    return subprocess.run(command, input=text, env=environ, cwd=cwd, capture_output=True, text=True, check=False)


def indented(said: str) -> str:
    """The last lines of a program's output, indented, without passwords in addresses and notes about skipped files."""
    lines = [line for line in hide_logins(said).splitlines() if line.strip() and not _PASSED_BY.search(line)]
    return "\n".join(f"  | {line[:_WIDTH]}" for line in lines[-_LINES:])
