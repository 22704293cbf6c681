"""An upgrade of the program under a run that goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import LONGEST, ROOT, ended, plan_for

from tui.engine.journal import runs
from tui.engine.preload import LOADED
from tui.rehearsal_client import prepare


@pytest.mark.slow
def test_a_run_goes_on_when_the_program_is_removed_under_it(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine runs from a copy of the package; the rehearsal from this one."""
    copy = tmp_path / "site"
    shutil.copytree(ROOT / "tui", copy / "tui", ignore=shutil.ignore_patterns("__pycache__"))
    presets = ROOT / "presets"
    shutil.copytree(presets, copy / "presets")
    document = plan_for("churn-upgrade-01", tmp_path)
    document.save(tmp_path / "plan.yml")
    monkeypatch.setenv("AML_DEPLOY_HOME", rehearsal_env["AML_DEPLOY_HOME"])
    prepared = prepare(document, rehearsal_env)
    command = [sys.executable, "-m", "tui", "apply", "plan.yml", "--rehearse", "--yes", "--json", "--detach"]
    environ = {**prepared, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, done.stderr
    (run,) = [run for run in runs.runs() if run.endpoint == "churn-upgrade-01"]
    end = time.monotonic() + LONGEST
    while LOADED not in run.log.read_text():
        assert run.alive and time.monotonic() < end, run.log.read_text()
        time.sleep(0.02)
    shutil.rmtree(copy)
    before = len(run.journal.read())
    last = ended(run)
    assert last["status"] == "succeeded", (last, run.log.read_text())
    assert last["seq"] > before, "nothing was left to do when the program was removed"
    assert str(copy) not in run.log.read_text(), "the run asked for a file of the program"
    Azure(prepared).remove("churn-upgrade-01")
