"""Microsoft's clients for JavaScript, as npm has them: a deployment from sign-in to removal."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from tests.other_clients.setting import NotRunError, Outcome, one_line

PACKAGES = ("@azure/arm-machinelearning", "@azure/identity", "@azure/storage-blob")


def run(env: dict[str, str], folder: Path) -> Outcome:
    """Runs `deploy.mjs`. Raises NotRunError, CalledProcessError."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise NotRunError("node and npm are not installed")
    (folder / "package.json").write_text('{"private": true}')
    install = [npm, "install", "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES]
    subprocess.run(install, cwd=folder, check=True)
    # Packages are looked up beside the file that imports them.
    script = shutil.copy(Path(__file__).with_name("deploy.mjs"), folder)
    said = subprocess.run(["node", script], cwd=folder, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    installed = json.loads((folder / "node_modules" / PACKAGES[0] / "package.json").read_text())["version"]
    outcome = Outcome(PACKAGES[0], installed)
    for name, reason in json.loads(said).items():
        if reason:
            outcome.failed[name] = one_line(reason)
        else:
            outcome.passed.append(name)
    return outcome
