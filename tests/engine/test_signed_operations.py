"""Azure refuses an operation's address without its signature, so a resumed run must find it whole in the journal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import ROOT, begin, events_until, plan_for

from tui.engine import start_stop
from tui.engine.journal.runs import Run, engine_pid
from tui.engine.journal.usual_times import FILE


def killed_at(run: Run, task: str) -> str:
    """End the engine once Azure has named the operation of a task; returns the operation's address in the journal."""
    events = events_until(run, lambda event: event["event"] == "task_operation" and event["task"] == task)
    pid = engine_pid(run.folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while engine_pid(run.folder) is not None:
        time.sleep(0.02)
    return next(event["url"] for event in events if event["event"] == "task_operation" and event["task"] == task)


@pytest.mark.slow
def test_an_engine_that_is_killed_follows_both_operations_at_their_signed_addresses(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, prepared = begin(plan_for("churn-signed-01", tmp_path), rehearsal_env, monkeypatch)
    addresses = [killed_at(run, "endpoint")]
    start_stop.resume(run, environ=prepared)
    addresses.append(killed_at(run, "deployment"))
    azure = Azure(prepared)
    for address in addresses:
        assert [part.split("=")[0] for part in address.partition("?")[2].split("&")] == ["api-version", *"tcsh"]
        assert azure.status(address) == 200
    done = subprocess.run(
        [sys.executable, "-m", "tui", "attach", run.id],
        env=prepared, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [event["line"] for event in run.journal.read() if event["event"] == "task_log"]
    for what in ("endpoint churn-signed-01", "deployment blue"):
        assert any(line.startswith(f"Following the operation on the {what}") for line in said), what
    assert not (run.folder / FILE).exists(), "the rest of a task that was interrupted is not what it usually takes"
    azure.remove("churn-signed-01")
