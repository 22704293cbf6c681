"""What every client needs: a rehearsal of its own, an environment of its own, and a place for what came of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.other_clients.recording_stand_in import NOT_APPLICABLE

ROOT = Path(__file__).resolve().parents[2]


class NotRunError(Exception):
    """A client that cannot be had on this machine; the message says what is missing."""


@dataclass
class Outcome:
    """What came of one client's run: names of what passed, reasons in a line by name for the rest."""

    client: str
    version: str
    passed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)  # by the client's own marks
    not_applicable: dict[str, str] = field(default_factory=dict)  # about services that the rehearsal is not about

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """How many passed, failed, were skipped, and do not apply."""
        return len(self.passed), len(self.failed), len(self.skipped), len(self.not_applicable)


@contextmanager
def rehearsal(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a client that `rehearsal --env` points at a rehearsal of its own; ended at the end.

    Built scoring environments are kept where they always are. Raises CalledProcessError where it does not start.
    """
    command = [sys.executable, "-m", "tui.rehearsal"]
    env = {**os.environ, "AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CONTAINER_ENGINE": "none"}
    try:
        said = subprocess.run([*command, "env", "--json"], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout
        described = json.loads(said)
        kept = {name: value for name, value in env.items() if name not in described["unset"]}
        yield {**kept, **described["set"], "REHEARSAL_ORIGIN": described["url"]}
    finally:
        subprocess.run([*command, "stop"], cwd=ROOT, env=env, check=False)


def environment(folder: Path, *packages: str) -> Path:
    """The Python of a new virtual environment with pip and these packages. Raises CalledProcessError."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--seed", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, *packages], check=True)
    return python


def one_line(text: str, most: int = 200) -> str:
    """The first line of a text that says something, shortened."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:most]


def read_report(report: Path, outcome: Outcome) -> None:
    """Sorts the test cases of a JUnit report into an outcome."""
    for case in ET.parse(report).getroot().iter("testcase"):
        name = case.get("name", "")
        told = {child.tag: child.get("message", "") for child in case}
        bad = told.get("failure", told.get("error"))
        if bad is not None:
            outcome.failed[name] = one_line(bad)
        elif "skipped" not in told:
            outcome.passed.append(name)
        elif told["skipped"].startswith(NOT_APPLICABLE):
            outcome.not_applicable[name] = told["skipped"][len(NOT_APPLICABLE) :]
        else:
            outcome.skipped[name] = one_line(told["skipped"])
