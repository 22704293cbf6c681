"""Check for packages that import pkg_resources, which setuptools 82 and newer do not have."""

from __future__ import annotations

import os
from collections.abc import Iterator

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from tui.checks.environment.conda_file import SERVER, CondaFile, Package
from tui.checks.finding import BLOCKER, WARNING, Finding, LineFix
from tui.checks.model.artifact_findings import TROUBLESHOOT

LINE = "setuptools<81"
"""What setuptools itself asks such packages to request (its documentation of pkg_resources)."""

# The first releases that no longer import it, or bring a gunicorn that does (their files on PyPI, November 2026).
_WITHOUT = {"mlflow": "2.16", "mlflow-skinny": "2.16", "gunicorn": "21", SERVER: "1.2.1"}
_REMOVED = "82"


def culprit(conda: CondaFile | None) -> str:
    """The first package whose requested releases all import pkg_resources, if nothing holds setuptools back."""
    if conda is None or not conda.found or conda.problem:
        return ""
    setuptools = conda.packages.get("setuptools")
    python = conda.packages.get("python")
    # The last setuptools for Python 3.8 is 75.3.
    if (setuptools and all_before(setuptools, _REMOVED)) or (python and all_before(python, "3.9")):
        return ""
    old = (conda.packages[name] for name, first in _WITHOUT.items() if name in conda.packages
           and all_before(conda.packages[name], first))  # fmt: skip
    return next((f"{package.name} {package.version or package.wanted}" for package in old), "")


def all_before(package: Package, first: str) -> bool:
    """Whether all releases that a requirement allows are before `first`."""
    try:
        if package.version:
            return Version(package.version) < Version(first)
        allowed = SpecifierSet(package.wanted)
    except (InvalidSpecifier, InvalidVersion):
        return False
    return not any(allowed.contains(version) for version in (first, f"{first}.99", "9999"))


def about(conda: CondaFile | None, field: str, without_code: bool = False) -> Iterator[Finding]:
    """A finding that the container will not start; `field` is the plan's key that leads to the file.

    On Azure, conda's channels decide which setuptools is there, so it is a warning. A rehearsal takes the newest from
    PyPI: it is a blocker there, but for MLflow under an own script, which need not import it.
    """
    name = culprit(conda)
    if name and conda:
        imported = without_code or not name.startswith("mlflow")
        yield Finding(
            "setuptools",
            BLOCKER if imported and "REHEARSAL_CLIENT_ID" in os.environ else WARNING,
            field,
            f"{conda.path.name} requests {name}, which imports pkg_resources or brings a gunicorn that does; "
            f"setuptools {_REMOVED} and newer lack it, so the container would end with: "
            "No module named 'pkg_resources'.",
            f"Add {LINE} to the pip section of {conda.path.name}, which check --fix does.",
            TROUBLESHOOT,
            str(conda.path),
            fixes=(LineFix(conda.path, LINE),),
        )
