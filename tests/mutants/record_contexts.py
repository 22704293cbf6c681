"""A pytest plugin: coverage.py learns which test runs, and how long each took is written to $MUTANTS_DURATIONS."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import coverage

_seconds: dict[str, float] = {}


def pytest_runtest_logstart(nodeid: str) -> None:
    current = coverage.Coverage.current()
    if current is not None and "PYTEST_XDIST_WORKER" in os.environ:
        current.switch_context(nodeid)


def pytest_runtest_logreport(report: Any) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        Path(os.environ["MUTANTS_DURATIONS"]).write_text(json.dumps(_seconds), encoding="utf-8")
