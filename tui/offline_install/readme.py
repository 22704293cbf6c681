"""The README.txt of a bundle."""

from __future__ import annotations

from typing import Any


def of_bundle(about: dict[str, Any]) -> str:
    """How to install from the folder, with install.py or in two lines with nothing but pip."""
    pythons = list(about["pythons"])
    environments = "\n".join(f"  {name}" for name in about["environments"])
    rehearsed = (
        f"""
The folder environment-wheels has the packages of these scoring environments, for the rehearsal:
{environments}
install.py tells the rehearsal so, in pip.conf of the virtual environment. After the two lines, do it yourself:
  export PIP_NO_INDEX=1 PIP_FIND_LINKS=BUNDLE/environment-wheels
"""
        if environments
        else ""
    )
    newest, glibc = pythons[-1], ".".join(map(str, about["glibc"]))
    return f"""aml-deploy {about["version"]}, to be installed without a package index
Wheels for CPython {", ".join(pythons)} on Linux {about["machine"]}, glibc {glibc} or newer.
Extras: {", ".join(about["extras"])}.

Put this folder where the cluster can read it, for example on a volume, and run, with the path of the folder for BUNDLE:

  python3 BUNDLE/install.py

It makes a virtual environment of its own: /local_disk0/aml-deploy on a Databricks driver, else ~/aml-deploy, or --to
FOLDER. The Python that runs it stays as it is. It says first what is missing, if something is; --check does only that.

The same in two lines, with a Python whose venv module has pip (here for Python {newest}):

  python{newest} -m venv /local_disk0/aml-deploy
  /local_disk0/aml-deploy/bin/pip install --no-index --find-links BUNDLE/wheels \\
    --require-hashes -r BUNDLE/requirements-{newest}.txt
{rehearsed}"""
