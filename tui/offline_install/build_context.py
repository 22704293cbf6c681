"""Writes a Docker build context that holds all wheels, so that neither build nor start needs a package index."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Callable

from tui.common.redact import hide_logins
from tui.offline_install import plan_environments
from tui.offline_install.install_folder import Written, megabytes, put, refuse_foreign
from tui.offline_install.wheels import Target, choose, fetch, requirement_of
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document

DESCRIPTION = "context.json"
SERVER = "azureml-inference-server-http"
FOLDER, PLAN = "image", "plan.yml"
PORT = 5001
"""The port of the inference server, as in Azure's own images (AzureML-Containers, EXPOSE 5001)."""
SOURCE = "written for a closed workspace"
_TEMPLATES = Path(__file__).with_name("templates")
_LEFT_OUT = ("__pycache__", "site-packages", "test", "tests", "idlelib", "share", "include")


def write(
    document: Document,
    folder: Path,
    *,
    machine: str = "x86_64",
    image: str | None = None,
    with_python: Path | None = None,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _line: None,
) -> Written:
    """Write the build context (FOLDER) and a plan that uses it (PLAN); `tell` receives one line of progress at a time.

    `image` replaces the plan's base image; `with_python` is an installed Python to include, which replaces the base
    image's. Raises Failure.
    """
    refuse_foreign(folder, DESCRIPTION, replace)
    label = f"deployment {document.value('deployment.name')}"
    wanted = plan_environments.wanted(document, label)
    base = image or plan_environments.text(document, "deployment.environment.image", label)
    if not base:
        raise Failure("The Dockerfile needs a base image, and the plan names none. Name one with --image.", 2)
    version = wanted.minor
    if not version:
        raise Failure("The conda file does not specify a Python version. Add one, for example python=3.12.", 2)
    if not any(line.startswith(SERVER) for line in wanted.packages):
        raise Failure(f"The conda file does not list {SERVER}, which answers requests. Add it to its pip section.", 2)
    made = Written(folder, notes=list(wanted.notes))
    with tempfile.TemporaryDirectory(prefix="aml-deploy-context-") as scratch:
        local = Path(scratch) / "whole"
        inside = local / FOLDER
        (inside / "wheels").mkdir(parents=True)
        if with_python is not None:
            tell(f"The Python of {with_python}")
            _pack(with_python, version, inside / "python.tar.gz", Path(scratch))
        target = Target(version, machine)
        tell(f"Wheels for {target}")
        fetch(choose([*wanted.packages, "pip"], target, wanted), target, inside / "wheels", wanted)
        wheels = sorted((inside / "wheels").iterdir())
        lines = sorted(map(requirement_of, wheels))
        (inside / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        _copy_conda(document, inside, label)
        for name in ("Dockerfile", "install.sh", "start.sh"):
            text = (_TEMPLATES / name).read_text(encoding="utf-8")
            for mark, value in (("@IMAGE@", base), ("@PYTHON@", version), ("@MACHINE@", machine)):
                text = text.replace(mark, value)
            (inside / name).write_text(text, encoding="utf-8")
        about = {"image": base, "python": version, "machine": machine, "wheels": [wheel.name for wheel in wheels]}
        (local / DESCRIPTION).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
        made.bytes = sum(path.stat().st_size for path in local.rglob("*") if path.is_file())
        tell(f"Writing {folder}, {megabytes(made.bytes)}")
        put(local, folder)
    _plan(document, folder)
    return made


def _copy_conda(document: Document, inside: Path, label: str) -> None:
    """Copy the conda file too, so that readers see what was requested; without the passwords of package indexes."""
    conda = plan_environments.local(document, "deployment.environment.conda_file", label)
    model = plan_environments.local(document, "deployment.model.path", label)
    if conda is None and model is not None:
        conda = model / "conda.yaml"
    if conda is not None and conda.is_file():
        text = conda.read_text(encoding="utf-8", errors="replace")
        (inside / "conda.yml").write_text(hide_logins(text), encoding="utf-8")


def _plan(document: Document, folder: Path) -> None:
    """Write the plan with the build context instead of image and conda file. Raises Failure."""
    changed = document.copy()
    environment = "deployment.environment"
    for key in ("conda_file", "image"):
        changed.set(f"{environment}.{key}", None, SOURCE)
    changed.set(f"{environment}.build.path", str((folder / FOLDER).absolute()), SOURCE)
    changed.set(f"{environment}.build.dockerfile_path", "Dockerfile", SOURCE)
    for route, path in (("liveness", "/"), ("readiness", "/"), ("scoring", "/score")):
        changed.set(f"{environment}.inference_config.{route}_route.path", path, SOURCE)
        changed.set(f"{environment}.inference_config.{route}_route.port", PORT, SOURCE)
    try:
        changed.save((folder / PLAN).resolve())
    except OSError as error:
        raise Failure(f"{folder / PLAN} cannot be written: {error.strerror}.") from None


def _pack(python: Path, version: str, archive: Path, scratch: Path) -> None:
    """Pack an installed Python into one file: volumes and storage accounts keep neither links nor permissions.

    Raises Failure if it is not a complete Python of that version, or does not run from another folder.
    """

    def kept(item: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if set(Path(item.name).parts) & set(_LEFT_OUT) or item.name.endswith((".a", ".pyc")) else item

    if python.resolve() in (Path("/"), Path("/usr"), Path("/usr/local")):
        raise Failure(f"{python} holds more than a Python. Name the folder of a standalone Python.", 2)
    if not (python / "bin" / f"python{version}").exists():
        raise Failure(
            f"{python} has no bin/python{version}, so it is not an installed Python {version}. Name the folder of a "
            f"relocatable one, such as `uv python install {version}` creates.",
            2,
        )
    try:
        with tarfile.open(archive, "w:gz", compresslevel=6) as packed:
            for part in ("bin", "lib"):
                packed.add(python / part, part, filter=kept)
        moved = scratch / "moved"
        with tarfile.open(archive) as packed:
            packed.extractall(moved)  # safe: this archive was written above
    except OSError as error:
        raise Failure(f"{python} cannot be packed: {error.filename or ''} {error.strerror or error}.") from None
    program = moved / "bin" / f"python{version}"
    asked = "import ssl, sys, venv, zlib; print(sys.prefix, '%d.%d' % sys.version_info[:2])"
    done = subprocess.run([program, "-I", "-c", asked], capture_output=True, text=True, check=False)
    shutil.rmtree(moved, ignore_errors=True)
    if done.stdout.split() != [str(moved), version]:
        said = done.stderr.strip().splitlines()[-1:] or ["it does not find its own library"]
        raise Failure(
            f"{python} does not run from another folder: {said[0]}. Use one that `uv python install` made.", 2
        )
