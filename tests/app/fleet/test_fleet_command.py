"""What `aml-deploy endpoints` gives to the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.fleet.rows import fleet
from tests.app.fleet.test_fleet_screen import filled
from tests.app.fleet.test_row_actions import answers
from tests.app.panes import home
from tui.cli.main import main
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

__all__ = ["home"]


def opened(monkeypatch: pytest.MonkeyPatch, *options: str) -> Document:
    """The document that the command opens the screen with."""
    documents: list[Document] = []
    monkeypatch.setattr("tui.plain.terminal.wants_lines", lambda: False)
    monkeypatch.setattr("tui.app.launch.fleet", lambda document, **how: documents.append(document) or 0)
    assert main(["endpoints", *options]) == 0
    return documents[0]


async def test_other_peoples_endpoints_do_not_get_the_plans_request(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load("churn-xgboost").rebased(home)
    plan.set("credential.method", "azure_cli", "test")
    plan.save(home / "plan.yml")
    document = opened(monkeypatch, "--plan", str(home / "plan.yml"))
    assert document.tree == {"credential": {"method": "azure_cli"}}
    told = answers()
    async with fleet(told, document=document) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("enter")
        await walk.until(lambda: [name for name, _ in told.asked if name == "troubleshoot"], "the question")
        asked: dict[str, Any] = next(with_ for name, with_ in told.asked if name == "troubleshoot")
        assert asked["body"] is None
        assert set(asked["plan"]["document"]) == {"credential", "workspace", "endpoint", "deployments"}


def test_the_rehearsal_starts_after_the_first_frame(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def starts(*given: Any) -> None:
        raise AssertionError("the screen starts it")

    monkeypatch.setattr("tui.rehearsal_client.prepare", starts)
    assert opened(monkeypatch, "--rehearse").tree == {}
