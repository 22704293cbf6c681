"""Commands that change an endpoint by hand while a run works on it."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cli.main import main
from tui.common.write_atomic import write_atomic
from tui.engine.journal.journal import JournalWriter
from tui.engine.journal.runs import write_engine
from tui.plan.traffic import BEFORE_TAG

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
    assert main(["remove", plan, "--dry-run"]) == 0, "listing is allowed, and says so too"
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


@pytest.mark.parametrize("answer", [False, True])
def test_on_a_terminal_a_rollout_rolls_back_only_when_confirmed(
    answer: bool, plan: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    splits = [{"blue": 100}, {"blue": 90, "green": 10}, {"green": 100}]
    shifts = [{"event": "traffic_shift", "before": old, "after": new} for old, new in zip(splits, splits[1:])]
    journal = SimpleNamespace(read=lambda: [{"event": "run_started"}, *shifts])
    run = SimpleNamespace(id="r-1", endpoint="churn", journal=journal)
    module = "tui.plain.commands.endpoint_operations"
    monkeypatch.setattr(f"{module}.traffic.can_ask", lambda: True)
    monkeypatch.setattr(f"{module}.traffic.confirmed", lambda question: asked.append(question) or answer)
    monkeypatch.setattr(f"{module}.rollback_of_run.rolling_out", lambda *_: run)
    monkeypatch.setattr(f"{module}.rollback_of_run.roll_back_run", lambda run: {"before": {}, "after": {"blue": 100}})
    assert main(["rollback", "churn", "--plan", plan]) == (0 if answer else 130)
    assert asked == ["Callers' traffic: green 100 % → blue 100 %. Change it?"]


@pytest.mark.parametrize(("before", "told"), [("blue=90,green=10", True), ("blue=100", False), ("", False)])
def test_a_previous_split_that_is_the_present_one_is_not_offered(
    before: str, told: bool, plan: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {"exists": True, "traffic": {"blue": 100, "green": 0}, "mirror_traffic": {}, "tags": {BEFORE_TAG: before},
             "deployments": [{"name": "blue"}, {"name": "green"}]}  # fmt: skip
    monkeypatch.setattr("tui.plain.commands.endpoint_operations.traffic.ask", lambda *_, **__: found)
    assert main(["traffic", "churn", "--plan", plan]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == ["blue: 100 %", "green: 0 %"]
    assert ("Restore it with: aml-deploy rollback churn" in said.err) is told
