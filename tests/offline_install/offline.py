"""Runs programs in a network namespace that has loopback only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
PRESET = ROOT / "presets" / "own-score"
"""The preset with the fewest packages."""
_SETTINGS = ("PIP_", "UV_", "AZURE", "ARM_", "IDENTITY_", "MSI_", "REHEARSAL_", "AML_DEPLOY", "DATABRICKS")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The environment without settings of package indexes and Azure; state and caches are in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    for name in ("PYTHONPATH", "VIRTUAL_ENV", "TERM"):
        kept.pop(name, None)
    own = {"HOME": folder / "home", "AML_DEPLOY_HOME": folder / "state", "AML_DEPLOY_CACHE": folder / "cache"}
    (folder / "home").mkdir(parents=True, exist_ok=True)
    # pip reads the machine's configuration from here; a cluster's differs from this machine's.
    return {**kept, **{name: str(path) for name, path in own.items()}, "XDG_CONFIG_DIRS": str(folder), **more}


def prefix() -> list[str]:
    """The prefix of a command that is to run without a network. Raises OSError where that is not possible."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        raise OSError("a namespace without a network needs unshare and ip")
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    start = ["unshare", *user, "--net", "--mount", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    tried = subprocess.run([*start, "true"], capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode != 0:
        raise OSError(f"no namespace without a network could be made: {tried.stderr.strip()[-200:]}")
    return start


def run(
    command: Sequence[object], environ: Mapping[str, str], *, cwd: Path | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run a program without a network and return it when it has ended."""
    return subprocess.run(
        [*prefix(), *map(str, command)],
        env=dict(environ),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def own_conda_file(folder: Path) -> Path:
    """The preset's conda file, for the Python that runs the suite: only one set of wheels is fetched."""
    text = (PRESET / "conda.yml").read_text(encoding="utf-8")
    assert "python=3.12" in text
    path = folder / "conda.yml"
    path.write_text(text.replace("python=3.12", f"python={PYTHON}"), encoding="utf-8")
    return path


def made(*words: object) -> subprocess.CompletedProcess[str]:
    """Run `aml-deploy` with this machine's settings of package indexes."""
    command = [sys.executable, "-m", "tui", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
