"""Which packages an environment needs, and where packages come from: pip's and uv's own settings, for both.

What a conda file means in pip's words, and how pip's settings are said to uv, the rehearsal's image build knows; it is
asked, as a process, so that what is fetched beforehand is what it asks for later.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass

from tui.plain.failure import Failure

ASK_SECONDS = 120


@dataclass(frozen=True)
class Wanted:
    """What is to be fetched and from where; `environ` may hold passwords of indexes and is for child processes only."""

    packages: list[str]
    python: str
    """Version specifier of the conda file (`==3.10.*`), empty when it names none."""
    arguments: list[str]
    """For uv, beside the environment."""
    notes: list[str]
    environ: dict[str, str]

    @property
    def minor(self) -> str:
        """The minor version of Python that the conda file names, such as 3.10; empty where it names none."""
        found = re.search(r"(?:==|~=|>=|<=)\s*(3\.\d+)", self.python)
        return found.group(1) if found else ""


def needs(**of: str) -> Wanted:
    """What is needed: for `conda`, a conda file's text; for `mlflow`, a local MLflow model's folder, to be served
    without code; without either no packages, only where packages come from.

    Raises Failure for a conda file that cannot be said in pip's words, and where pip does not tell its settings.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tui.rehearsal.images.build_request"],
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
    environ = {name: value for name, value in os.environ.items() if name not in answer["unset"]}
    environ.update(answer["set"])
    return Wanted(answer["packages"], answer["python"], answer["arguments"], answer["notes"], environ)


def for_pip(wanted: Wanted) -> dict[str, str]:
    """An environment in which pip looks where uv would for what is wanted: in the same indexes and folders only.

    pip's configuration files are left out: what counts of them is in uv's settings already, and constraints there are
    not for packages that have been chosen.
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
    """The addresses of uv's list, in which each may have a name before it (`corp=https://…`)."""
    return [
        item.partition("=")[2] if "=" in item.partition("://")[0] else item for item in indexes.split() if "://" in item
    ]
