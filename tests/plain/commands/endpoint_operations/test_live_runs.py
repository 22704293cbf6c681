"""Commands that change an endpoint by hand while a run works on it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tui.cli.main import main
from tui.common.write_atomic import write_atomic
from tui.engine.journal.journal import JournalWriter
from tui.engine.journal.runs import write_engine

GUID = "11111111-2222-3333-4444-555555555555"
PLAN = f'workspace: {{subscription_id: {GUID}, resource_group: rg, name: "${{env:WS}}"}}\nendpoint: {{name: churn}}\n'


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan for a workspace in the variable WS; a run of this process works on its endpoint in ws-prod."""
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WS", "ws-prod")
    folder = tmp_path / "home" / "runs" / "r-1"
    folder.mkdir(parents=True)
    about = '{"run": "r-1", "endpoint": "churn", "deployment": "blue", "started": "2026", "rehearsed": false}'
    write_atomic(folder / "run.json", about)
    writer = JournalWriter(folder, "r-1")
    writer.emit("run_started", workspace={"subscription_id": GUID, "resource_group": "RG", "name": "ws-prod"})
    writer.close()
    write_engine(folder, os.getpid())
    (tmp_path / "plan.yml").write_text(PLAN)
    answer: dict[str, Any] = {"endpoint": "churn", "before": {}, "after": {"blue": 100}, "removed": [], "keys": {},
                              "which": "primary", "fingerprint": "f", "path": "p"}  # fmt: skip
    for command in ("remove", "keys", "traffic"):
        monkeypatch.setattr(f"tui.plain.commands.endpoint_operations.{command}.conversation", lambda *_: answer)
    return str(tmp_path / "plan.yml")


@pytest.mark.parametrize(("workspace", "code"), [("ws-prod", 3), ("WS-Prod", 3), ("ws-test", 0)])
def test_nothing_is_removed_while_a_run_works_on_the_endpoint_of_this_workspace(
    workspace: str, code: int, plan: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WS", workspace)
    assert main(["remove", plan, "--yes"]) == code
    assert ("Run r-1 is working on churn; nothing was removed" in capsys.readouterr().err) is (code == 3)


@pytest.mark.parametrize(
    "command",
    [["traffic", "churn", "blue=100"], ["rollback", "churn"], ["keys", "churn", "--regenerate", "primary", "--yes"]],
)
def test_traffic_and_keys_changed_by_hand_name_the_run_that_works(
    command: list[str], plan: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for workspace in ("ws-prod", "ws-test"):
        monkeypatch.setenv("WS", workspace)
        assert main([*command, "--plan", plan]) == 0
        assert ("Run r-1 is working on churn while" in capsys.readouterr().err) is (workspace == "ws-prod")
