"""Builds the README.txt of an offline install."""

from __future__ import annotations

from typing import Any


def readme(about: dict[str, Any]) -> str:
    """The text that explains how to install from the folder: with install.py, or with two lines of pip."""
    pythons = list(about["pythons"])
    environments = "\n".join(f"  {name}" for name in about["environments"])
    rehearsed = (
        f"""
The folder environment-wheels holds the packages of these scoring environments, for the rehearsal:
{environments}
install.py points the rehearsal to it, in pip.conf of the virtual environment. If you install with pip, set it yourself:
  export PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER/environment-wheels
"""
        if environments
        else ""
    )
    newest, glibc = pythons[-1], ".".join(map(str, about["glibc"]))
    return f"""aml-deploy {about["version"]}: offline install, for machines without a package index
Wheels for CPython {", ".join(pythons)} on Linux {about["machine"]}, glibc {glibc} or newer.
Extras: {", ".join(about["extras"])}.

Copy this folder to where the cluster can read it, for example a volume, and run, with this folder's path for FOLDER:

  python3 FOLDER/install.py

It creates a virtual environment: /local_disk0/aml-deploy on a Databricks driver, else ~/aml-deploy, or the one named
with --to. The Python that runs it is not changed. It first reports missing files; --check does only that.

The same with pip alone, if the Python's venv module has pip (here for Python {newest}):

  python{newest} -m venv /local_disk0/aml-deploy
  /local_disk0/aml-deploy/bin/pip install --no-index --find-links FOLDER/wheels \\
    --require-hashes -r FOLDER/requirements-{newest}.txt
{rehearsed}"""
