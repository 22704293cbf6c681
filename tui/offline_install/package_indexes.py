"""Determines the packages that an environment needs and the indexes they come from, by pip's and uv's settings.

The rehearsal's image build translates conda files and pip's settings for uv. It is run here as a process, so that the
packages fetched in advance are those that it requests later.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass

from tui.common import child_process
from tui.plain.failure import Failure

ASK_SECONDS = 120


@dataclass(frozen=True)
class Wanted:
    """The packages to fetch and their indexes; `environ` may hold index passwords and is for child processes only."""

    packages: list[str]
    python: str
    """Version specifier of the conda file (`==3.10.*`); empty if it has none."""
    arguments: list[str]
    """Arguments for uv, in addition to the environment variables."""
    notes: list[str]
    environ: dict[str, str]

    @property
    def minor(self) -> str:
        """The conda file's minor version of Python, such as 3.10; empty if it has none."""
        found = re.search(r"(?:==|~=|>=|<=)\s*(3\.\d+)", self.python)
        return found.group(1) if found else ""


def needs(**of: str) -> Wanted:
    """The packages and indexes for `conda` (a conda file's text) or `mlflow` (the folder of a local MLflow model to
    serve without code); without either, the indexes only.

    Raises Failure if a conda file cannot be translated for pip, or if pip's settings cannot be read.
    """
    inherited = child_process.without_identity(os.environ)
    try:
        done = subprocess.run(
            child_process.command("tui.rehearsal.images.build_request"),
            env=inherited,
            input=json.dumps(of),
            capture_output=True,
            text=True,
            timeout=ASK_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise Failure("The settings of pip cannot be read: `pip config list` does not work on this machine.") from None
    if "error" in answer:
        raise Failure(str(answer["error"]))
    environ = {name: value for name, value in inherited.items() if name not in answer["unset"]}
    environ.update(answer["set"])
    return Wanted(answer["packages"], answer["python"], answer["arguments"], answer["notes"], environ)


def for_pip(wanted: Wanted) -> dict[str, str]:
    """Environment variables that make pip use the same indexes and folders as uv, and no others.

    pip's configuration files are ignored: uv's settings already include the relevant ones, and constraints must not
    apply to packages that have been chosen.
    """
    uv = wanted.environ
    kept = {name: value for name, value in uv.items() if not name.startswith(("PIP_", "UV_", "PYTHON"))}
    found = {
        "PIP_INDEX_URL": uv.get("UV_DEFAULT_INDEX") or uv.get("UV_INDEX_URL", ""),
        "PIP_EXTRA_INDEX_URL": " ".join([*_addresses(uv.get("UV_INDEX", "")), uv.get("UV_EXTRA_INDEX_URL", "")]),
        "PIP_FIND_LINKS": uv.get("UV_FIND_LINKS", "").replace(",", " "),
        "PIP_TRUSTED_HOST": uv.get("UV_INSECURE_HOST", ""),
        "PIP_NO_INDEX": "1" if "--no-index" in wanted.arguments else "",
        "PIP_CERT": uv.get("SSL_CERT_FILE", ""),
    }
    kept.update({name: value.strip() for name, value in found.items() if value.strip()})
    kept.update(
        PIP_CONFIG_FILE=os.devnull, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PYTHONWARNINGS="ignore"
    )
    return kept


def _addresses(indexes: str) -> list[str]:
    """The addresses in uv's list of indexes, where each may have a name as a prefix (`corp=https://…`)."""
    return [
        item.partition("=")[2] if "=" in item.partition("://")[0] else item for item in indexes.split() if "://" in item
    ]
