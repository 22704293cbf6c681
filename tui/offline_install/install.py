"""Installs aml-deploy from this folder into a virtual environment, without a package index.

    python3 install.py [--to FOLDER] [--check] [--keep-index]

It needs only Python's standard library, and works from a volume on which nothing can be executed or linked.
The Python that runs it is not changed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NAME = "aml-deploy"
MARK = "aml-deploy-bundle"
"""A file in virtual environments that this script created: only those are ever replaced."""
NOT_LOCAL = ("/Volumes/", "/Workspace/", "/dbfs/")
"""Databricks mounts: files there cannot be linked and often cannot be executed."""


class Cannot(Exception):
    """The installation is not possible; the text says why and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Install or check; return the exit code: 0 done, 1 not possible (the reason is on standard error)."""
    parser = argparse.ArgumentParser(description="Installs aml-deploy from this folder, without a package index.")
    parser.add_argument(
        "--to", metavar="FOLDER", help="the virtual environment (default: /local_disk0/aml-deploy, else ~/aml-deploy)"
    )
    parser.add_argument(
        "--check", action="store_true", help="only check that this folder is complete and fits this machine"
    )
    parser.add_argument(
        "--keep-index", action="store_true", help="let the rehearsal also use the package index in pip's settings"
    )
    chosen = parser.parse_args(argv)
    try:
        about = described()
        python = fitting(about)
        complete(about, about["pythons"][python])
        if chosen.check:
            number = len(about["pythons"][python])
            wheels = "1 wheel" if number == 1 else f"{number} wheels"
            say(f"The folder is complete for Python {python} on this machine: {wheels}.")
            return 0
        install(about, python, place(chosen.to), chosen.keep_index)
    except Cannot as reason:
        sys.stderr.write(str(reason) + "\n")
        return 1
    return 0


def described() -> dict[str, Any]:
    """The folder's description, bundle.json. Raises Cannot."""
    try:
        return dict(json.loads((HERE / "bundle.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        raise Cannot(
            f"{HERE} has no readable bundle.json. Copy the whole folder that `aml-deploy offline-install` wrote."
        ) from None


def fitting(about: dict[str, Any]) -> str:
    """The minor version of this Python. Raises Cannot if the folder has no wheels for it or for this machine."""
    python = "{}.{}".format(*sys.version_info[:2])
    held = list(about["pythons"])
    if sys.implementation.name != "cpython" or python not in held:
        others = [found for found in map(shutil.which, ("python" + one for one in held)) if found and runs(found)]
        found = f"Run it with {others[0]}." if others else "None of these is on this machine's PATH."
        raise Cannot(
            "This is Python {} ({}). The folder holds wheels for Python {}.\n{} Or create the folder again on a "
            "machine with a network: aml-deploy offline-install --python {}.{}".format(
                python, sys.executable, ", ".join(held), found, python,
                "" if sys.version_info >= (3, 9) else "\naml-deploy itself needs Python 3.9 or newer.",
            )
        )  # fmt: skip
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine().lower(), platform.machine())
    if sys.platform != "linux" or machine != about["machine"]:
        raise Cannot(
            "This machine is {} {}; the wheels are for Linux {}. Create the folder again with: "
            "aml-deploy offline-install --machine {}".format(sys.platform, machine, about["machine"], machine)
        )
    libc = glibc()
    if libc and libc < tuple(about["glibc"]):
        raise Cannot(
            "This machine's C library is glibc {}; the wheels need {} or newer.".format(
                ".".join(map(str, libc)), ".".join(map(str, about["glibc"]))
            )
        )
    return python


def runs(program: str) -> bool:
    """Whether a program runs: pyenv puts names on PATH that do not."""
    return subprocess.call([program, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def glibc() -> tuple[int, ...] | None:
    """The version of glibc; None for another C library or an unknown version."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return tuple(int(part) for part in version.split(".")[:2]) if name == "glibc" else None
    except (ValueError, OSError, AttributeError):
        return None


def complete(about: dict[str, Any], wheels: dict[str, Any]) -> None:
    """Raise Cannot unless every wheel is present with its full size; pip then checks the hashes."""
    lacking = []
    for name, size in wheels.items():
        path = HERE / "wheels" / name
        there = path.stat().st_size if path.is_file() else None
        if there != size:
            lacking.append("  {}: {}".format(name, "missing" if there is None else f"{there} of {size} bytes"))
    if lacking:
        shown = "\n".join(sorted(lacking)[:20]) + ("\n  …" if len(lacking) > 20 else "")
        raise Cannot(
            "{} of {} wheels in {} are missing or incomplete:\n{}\nCopy the folder again.".format(
                len(lacking), len(wheels), HERE / "wheels", shown
            )
        )


def place(wanted: str | None) -> Path:
    """The folder of the virtual environment: on local disk, new, empty or created by this script. Raises Cannot."""
    if wanted:
        try:
            target = Path(wanted).expanduser().absolute()  # this file is copied alone, so it has its own reader
        except RuntimeError:
            raise Cannot(f"This machine has no home folder for {wanted}. Name another folder with --to.") from None
    else:
        disk = Path("/local_disk0")  # the local disk of a Databricks driver
        target = (disk if disk.is_dir() and os.access(str(disk), os.W_OK) else Path.home()) / NAME
    if str(target).startswith(NOT_LOCAL):
        raise Cannot(
            f"{target} is not on local disk: a virtual environment does not work there. Name a folder such as "
            f"/local_disk0/{NAME} with --to."
        )
    if target.exists() and not target.is_dir():
        raise Cannot(f"{target} is a file. Name a folder with --to.")
    if target.is_dir() and any(target.iterdir()) and not (target / MARK).is_file():
        raise Cannot(f"{target} already exists and was not created by this script. Name another folder with --to.")
    if target.resolve() == Path(sys.prefix).resolve():
        raise Cannot(
            f"{target} is the Python that runs this script. Name another folder with --to, or use another Python."
        )
    return target


def install(about: dict[str, Any], python: str, target: Path, keep_index: bool) -> None:
    """Create the virtual environment and install into it from this folder only. Raises Cannot."""
    needed = 4 * sum(about["pythons"][python].values())
    above = next(folder for folder in (target, *target.parents) if folder.is_dir())
    free = shutil.disk_usage(str(above)).free
    if free < needed:
        raise Cannot(f"{above} has {free // 10**6} MB free; about {needed // 10**6} MB are needed.")
    say("Installing aml-deploy {} for Python {} into {}".format(about["version"], python, target))
    # Without Python's own pip: Debian and Ubuntu remove it, and an old one cannot read newer wheels.
    made = run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(target)])
    if made.returncode != 0:
        made = run([sys.executable, "-m", "virtualenv", "--clear", "--no-download", str(target)])
    if made.returncode != 0:
        raise Cannot(
            "A virtual environment cannot be created with {}:\n{}".format(
                sys.executable, made.stdout.decode(errors="replace")
            )
        )
    (target / MARK).write_text(f"{HERE}\n", encoding="utf-8")
    wheels = HERE / "wheels"
    pip = sorted(name for name in about["pythons"][python] if name.startswith("pip-"))[-1]
    options = ["--no-index", "--find-links", str(wheels), "--require-hashes", "--quiet", "--no-cache-dir"]
    requirements = HERE / f"requirements-{python}.txt"
    done = run(
        [str(target / "bin" / "python"), str(wheels / pip / "pip"), "install", *options, "-r", str(requirements)]
    )
    if done.returncode != 0:
        raise Cannot("pip cannot install from {}:\n{}".format(wheels, done.stdout.decode(errors="replace")))
    found = HERE / "environment-wheels"
    if found.is_dir():
        lines = ["[global]", f"find-links = {found.as_uri()}", *([] if keep_index else ["no-index = true"])]
        (target / "pip.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = target / "bin" / NAME
    say(f"Done. On a terminal:     {command} --help")
    say("In a notebook's cell:    import sys; sys.path.append('{}')".format(target / "notebook"))
    say("                         from aml_deploy import check, apply")
    for one in about["environments"]:
        say(f"The rehearsal finds the packages of {one} in {found}")


def run(command: list[str]) -> Any:
    """Run a program without the user's settings of pip and Python; return its exit code and output."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    environ.update(PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    environ["PYTHONWARNINGS"] = "ignore"
    # Not the working directory, from which `-m` would import.
    return subprocess.run(
        command, cwd=str(HERE), env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
