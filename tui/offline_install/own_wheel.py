"""The wheel of aml-deploy itself: built where its sources are, put together again where it is installed."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import io
import shutil
import tempfile
import zipfile
from pathlib import Path

import tui
from tui.offline_install.package_indexes import Wanted
from tui.offline_install.wheels import indented, run, uv
from tui.plain.failure import Failure

DISTRIBUTION = "aml-deploy"
_DATE = (2020, 1, 1, 0, 0, 0)  # the same content makes the same wheel


def make(folder: Path, source: Wanted) -> Path:
    """Put the wheel into a folder and return its path. Raises Failure."""
    sources = Path(tui.__file__).resolve().parents[1]
    if (sources / "pyproject.toml").is_file():
        return _built(sources, folder, source)
    try:
        return _put_together(importlib.metadata.distribution(DISTRIBUTION), folder)
    except importlib.metadata.PackageNotFoundError:
        raise Failure(
            f"{DISTRIBUTION} is neither installed nor are its sources here; so its wheel cannot be made."
        ) from None


def _built(sources: Path, folder: Path, source: Wanted) -> Path:
    # uv leaves a .gitignore beside what it builds.
    with tempfile.TemporaryDirectory(prefix="aml-deploy-") as scratch:
        command = [uv(), "build", "--wheel", "--quiet", *source.arguments, "--out-dir", scratch, str(sources)]
        done = run(command, source.environ, cwd=scratch)
        found = sorted(Path(scratch).glob("aml_deploy-*.whl"))
        if done.returncode != 0 or not found:
            raise Failure(f"The wheel of {DISTRIBUTION} cannot be built from {sources}.\n{indented(done.stderr)}")
        return Path(shutil.copyfile(found[-1], folder / found[-1].name))


def _put_together(distribution: importlib.metadata.Distribution, folder: Path) -> Path:
    """The wheel that an installed distribution came from: its files, and a RECORD of them (PEP 427)."""
    files = distribution.files or []
    info = next((str(file.parent) for file in files if file.name == "METADATA"), None)
    if info is None:
        raise Failure(f"The installed {DISTRIBUTION} has no list of its files; so its wheel cannot be made.")
    stem = info[: -len(".dist-info")]
    wheel = folder / f"{stem}-py3-none-any.whl"
    rows: list[tuple[str, str, str]] = []
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
            rows.append((name, f"sha256={digest}", str(len(content))))

        for file in sorted(files, key=str):
            name = _name_in_wheel(str(file), info, stem)
            if name:
                add(name, Path(str(distribution.locate_file(file))).read_bytes())
        record = io.StringIO()
        csv.writer(record, lineterminator="\n").writerows([*rows, (f"{info}/RECORD", "", "")])
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", _DATE), record.getvalue())
    return wheel


def _name_in_wheel(installed: str, info: str, stem: str) -> str | None:
    """Where a file of an installed distribution stands in its wheel; None for what the installer made."""
    path = Path(installed)
    if path.suffix == ".pyc":
        return None
    if installed.startswith(f"{info}/"):
        made = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
        return None if path.name in made else installed
    if not installed.startswith(".."):
        return installed
    inside = [part for part in path.parts if part != ".."]
    return None if inside[0] in ("bin", "Scripts") else f"{stem}.data/data/{'/'.join(inside)}"
