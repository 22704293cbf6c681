"""A plugin of pytest for `python -m tests.mutants map`: tells coverage.py which test runs, in children too."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

_HANDED_ON = ("PYTEST_CURRENT_TEST", "COVERAGE_PROCESS_START")
_seconds: dict[str, float] = {}
_start = subprocess.Popen.__init__


def _popen(self: subprocess.Popen[Any], *arguments: Any, **options: Any) -> None:
    """A child belongs to the test that starts it, also where a fixture made its environment for an earlier test."""
    if options.get("env") is not None:
        options["env"] = {**options["env"], **{name: os.environ[name] for name in _HANDED_ON if name in os.environ}}
    _start(self, *arguments, **options)


subprocess.Popen.__init__ = _popen  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """What runs in this process until the test has ended was run by the test."""
    watching = coverage.Coverage.current()
    assert watching is not None
    watching.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        watching.switch_context("")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Adds up the seconds of the test."""
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Writes how many seconds each test took where the map is made from; xdist's workers leave that to it."""
    if not hasattr(session.config, "workerinput"):
        seconds = {test: round(taken, 3) for test, taken in _seconds.items()}
        Path(os.environ["MUTANTS_TESTS"]).write_text(json.dumps(seconds), encoding="utf-8")
