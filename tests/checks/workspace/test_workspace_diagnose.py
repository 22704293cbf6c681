"""Azure's own diagnostics of the workspace, and its storage, as findings."""

from __future__ import annotations

from typing import Any

import pytest
from test_cloud_checks import a_workspace, told

from tui.checks.finding import Finding
from tui.checks.workspace import storage, workspace_diagnose
from tui.cloud.errors import CloudError
from tui.cloud.workspace.diagnose import Diagnosis
from tui.common.deadlines import Question


def raising(error: Exception) -> Question[Any]:
    def fail() -> Any:
        raise error

    return Question(fail, 30)


def noticed(*found: Diagnosis) -> list[Finding]:
    return workspace_diagnose.noticed(Question(lambda: list(found), 30), a_workspace())


@pytest.mark.parametrize(
    ("level", "told_of"),
    [("Information", False), ("information", False), ("Warning", True), ("Error", True), ("error", True)],
)
def test_information_is_no_problem(level: str, told_of: bool) -> None:
    expected = {"diagnose": "warning" if told_of else "ok"}
    assert told(noticed(Diagnosis("Code", level, "It is so.", "DNS"))) == expected


def test_problems_are_numbered_and_each_is_a_warning() -> None:
    assert told(noticed()) == {"diagnose": "ok"}
    one, two, three = noticed(
        Diagnosis("Locked", "Error", "It is locked.", "resource locks"),
        Diagnosis("Known", "Information", "Nothing.", "DNS"),
        Diagnosis("", "Warning", "No route", "routes"),
        Diagnosis("Rule", "Warning", "A rule", "rules"),
    )
    assert [found.id for found in (one, two, three)] == ["diagnose", "diagnose-2", "diagnose-3"]
    assert "resource locks: It is locked. (Locked)" in one.message
    assert two.message.endswith("No route.")
    assert one.commands == ("az ml workspace diagnose --name ws --resource-group rg",)


@pytest.mark.parametrize(
    "question", [Question(lambda: [], 0), raising(TimeoutError("Not finished."))], ids=["late", "stopped"]
)
def test_diagnostics_that_take_too_long_can_be_waited_for(question: Question[Any]) -> None:
    (found,) = workspace_diagnose.noticed(question, a_workspace())
    assert (found.severity, len(found.commands)) == ("unknown", 1) and found.commands[0] in found.remedy


def test_diagnostics_that_are_refused_block_nothing() -> None:
    refusal = CloudError("Refused", "No role", "Ask.", status=403)
    (found,) = workspace_diagnose.noticed(raising(refusal), a_workspace())
    assert (found.id, found.severity, found.remedy) == ("diagnose", "unknown", "Ask.")


def test_storage_that_answers_and_storage_that_refuses() -> None:
    there = storage.open_to_us(Question(lambda: "store.example.org", 30))
    assert (there.severity, there.looked_at) == ("ok", "store.example.org")
    refused = storage.open_to_us(raising(CloudError("Refused", "The firewall", "Open it.", status=403)))
    assert (refused.id, refused.severity, refused.remedy) == ("storage", "blocker", "Open it.")
