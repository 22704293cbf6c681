"""The management client for Python: the suite's own tests with it, as the table of operations names them."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.other_clients.setting import ROOT, Outcome, read_report

PACKAGE = "azure-mgmt-machinelearningservices"


def run(env: dict[str, str], folder: Path) -> Outcome:
    """Runs them; they start a rehearsal of their own, and `env` is not needed. Raises OSError."""
    table = (ROOT / "tui" / "rehearsal" / "SOURCES.md").read_text(encoding="utf-8")
    named = sorted(set(re.findall(r"mgmt `(\w+)::(\w+)`", table)))
    tests = ROOT / "tests" / "rehearsal"
    ids = [f"{next(tests.rglob(f'test_operations_{module}.py'))}::test_{name}" for module, name in named]
    report = folder / "report.xml"
    subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *ids], cwd=ROOT, check=False)
    outcome = Outcome(PACKAGE, version(PACKAGE))
    read_report(report, outcome)
    return outcome
