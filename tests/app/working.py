"""Provides a run whose engine is running."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.panes import home
from tui.engine.heartbeat_and_takeover import this_machine
from tui.engine.journal.runs import Run, _start_time
from tui.plan.load_save.load import load

__all__ = ["home"]


@pytest.fixture
def working_run(home: Path) -> Iterator[tuple[Run, subprocess.Popen[bytes]]]:
    """Create a run whose engine is a waiting process."""
    engine = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder = home / "runs" / "r-1"
    folder.mkdir(parents=True)
    about = {"run": "r-1", "endpoint": "churn-endpoint-01", "deployment": "blue",
             "started": "2026-01-02T03:04:05Z", "rehearsed": True}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about))
    about = {"pid": engine.pid, "started": _start_time(engine.pid), "host": this_machine()}
    (folder / "engine.json").write_text(json.dumps(about))
    load("churn-xgboost").save(folder / "plan.yml")
    yield Run("r-1", folder, "churn-endpoint-01", "blue", about["started"], True), engine
    engine.kill()
    engine.communicate()
