"""The SDK-bound tests with other versions of azure-ai-ml, on each Python: `python -m tests.sdk_versions [VERSION …]`.

Without versions: the lower bound of pyproject.toml and the newest there is. Each cell has an environment of its own and
takes two minutes; Pythons that are not installed are left out.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
TESTS = (
    "tests/cloud/endpoints",
    "tests/cloud/assets",
    "tests/cloud/http/test_sdk_transport.py",
    "tests/cloud/test_session.py",
    "tests/cloud/test_az_yaml_sdk.py",
    "tests/export/test_export_less_usual.py",
    "tests/rehearsal/test_changes_by_sdk.py",
    "tests/rehearsal/test_sdk_notebook.py",
    "tests/rehearsal/test_same_as_notebook.py",
)


def oldest() -> str:
    """The lower bound that the project declares."""
    found = re.search(r'"azure-ai-ml>=([\d.]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def interpreter(version: str) -> str | None:
    """A Python of that version that runs."""
    candidates = [*Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), f"python{version}"]
    for candidate in candidates:
        done = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if done.returncode == 0:
            return str(candidate)
    return None


def cell(python: str, sdk: str, folder: Path) -> str:
    """Runs the tests in an environment of their own; the last line of what they say."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    own = folder / "bin" / "python"
    wanted = f"azure-ai-ml=={sdk}" if sdk else "azure-ai-ml"
    for packages in (["pip"], ["-e", ".[dev]", wanted]):
        subprocess.run([own, "-m", "pip", "install", "--quiet", "--upgrade", *packages], cwd=ROOT, check=True)
    command = [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *TESTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = done.stdout.splitlines() or done.stderr.splitlines() or ["nothing was said"]
    return said[-1] if done.returncode == 0 else "\n".join(said[-40:])


def main() -> int:
    """Runs every cell and prints a line for each."""
    failed = False
    for version in PYTHONS:
        python = interpreter(version)
        if python is None:
            print(f"Python {version}: not on this machine, left out")
            continue
        for sdk in sys.argv[1:] or [oldest(), ""]:
            with tempfile.TemporaryDirectory() as folder:
                said = cell(python, sdk, Path(folder))
            failed = failed or " failed" in said or " passed" not in said
            print(f"Python {version}, azure-ai-ml {sdk or 'newest'}: {said}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
