"""Makes the wheel of aml-deploy itself: from its sources, or from the installed distribution."""

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
            f"The wheel cannot be made: {DISTRIBUTION} is not installed, and its sources are not here."
        ) from None


def _built(sources: Path, folder: Path, source: Wanted) -> Path:
    # A scratch folder, since uv writes a .gitignore next to the wheel.
    with tempfile.TemporaryDirectory(prefix="aml-deploy-") as scratch:
        command = [uv(), "build", "--wheel", "--quiet", *source.arguments, "--out-dir", scratch, str(sources)]
        done = run(command, source.environ, cwd=scratch)
        found = sorted(Path(scratch).glob("aml_deploy-*.whl"))
        if done.returncode != 0 or not found:
            raise Failure(f"The wheel of {DISTRIBUTION} cannot be built from {sources}.\n{indented(done.stderr)}")
        return Path(shutil.copyfile(found[-1], folder / found[-1].name))


def _put_together(distribution: importlib.metadata.Distribution, folder: Path) -> Path:
    """Rebuild the wheel of an installed distribution from its files, with a RECORD (PEP 427)."""
    files = distribution.files or []
    info = next((str(file.parent) for file in files if file.name == "METADATA"), None)
    if info is None:
        raise Failure(f"The wheel cannot be made: the installed {DISTRIBUTION} has no list of its files.")
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
    """The path in the wheel of an installed file; None for files that the installer created."""
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
