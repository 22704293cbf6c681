"""Commands that change something in Azure wait as long as the plan's `limits:` allow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tui.cli.main import main
from tui.plain.commands.endpoint_operations import troubleshoot
from tui.plan.load_save.load import load

PLAN = """workspace: {subscription_id: 11111111-2222-4333-8444-555555555555, resource_group: rg, name: ws-prod}
endpoint: {name: churn}
deployment: {name: blue, model: {path: azureml:churn:1, type: custom_model}, instance_type: Standard_DS3_v2}
limits: {traffic: 3m, deployment: 2h, total: 50m}
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "home"))
    (tmp_path / "plan.yml").write_text(PLAN, encoding="utf-8")
    return tmp_path / "plan.yml"


@pytest.mark.parametrize("words", [["traffic", "churn", "blue=100"], ["rollback", "churn"]])
def test_traffic(words: list[str], plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    class Asker:
        async def ask(self, *_: Any, timeout: float, **__: Any) -> dict[str, Any]:
            waits.append(timeout)
            return {"endpoint": "churn", "before": {}, "after": {"blue": 100}}

    monkeypatch.setattr(
        "tui.plain.commands.endpoint_operations.traffic.conversation", lambda _, talk: asyncio.run(talk(Asker()))
    )
    assert main([*words, "--plan", str(plan)]) == 0
    assert waits == [180.0]


def test_a_fix_never_more_than_the_total(plan: Path) -> None:
    waits = []

    class Asker:
        async def ask(self, *_: Any, timeout: float, **__: Any) -> dict[str, str]:
            waits.append(timeout)
            return {"done": "done"}

    fix = {"action": "set_traffic", "with": {}}
    assert asyncio.run(troubleshoot.fixed(Asker(), load(plan), fix)) == "done"  # type: ignore[arg-type]
    assert waits == [3000.0]
