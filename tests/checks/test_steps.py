"""To which step of the wizard a finding belongs."""

from __future__ import annotations

import pytest

from tui.checks import steps
from tui.checks.finding import Finding
from tui.checks.model.artifact_findings import SCORING


@pytest.mark.parametrize(
    ("finding", "shown_at"),
    [
        (Finding("a", "ok", "workspace.name"), {"workspace"}),
        (Finding("a", "ok", "credential.method"), {"credentials", "workspace"}),  # roles are given on the workspace
        (Finding("a", "ok", "endpoint.name"), {"endpoint"}),
        (Finding("proxy", "ok", ""), {"network"}),
        (Finding("mlflow-network", "ok", ""), {"network", "model"}),
        (Finding("egress-closed-workspace", "blocker", "", commands=(SCORING,)), {"network", "model"}),
        (Finding("egress-closed-workspace", "blocker", ""), {"network"}),
        (Finding("other", "blocker", "", commands=(SCORING,)), {"network"}),
    ],
)
def test_where_a_finding_is_shown(finding: Finding, shown_at: set[str]) -> None:
    every = ("credentials", "workspace", "endpoint", "model", "compute", "network", "review")
    assert {step for step in every if steps.of(step, [finding])} == shown_at


@pytest.mark.parametrize(
    ("severity", "message", "words"),
    [
        ("unknown", "The sign-in failed.", "The sign-in failed."),
        ("blocker", "It is gone.", steps._UNREAD),
        ("ok", "", ""),
    ],
)
def test_a_step_says_that_it_was_not_checked_without_the_workspace(severity: str, message: str, words: str) -> None:
    read = Finding("workspace", severity, "workspace.name", message)
    for step in ("endpoint", "model", "compute", "network"):
        assert [(one.severity, one.message) for one in steps.of(step, [read])] == [("unknown", words)] * bool(words)
    assert steps.of("workspace", [read]) == [read]


def test_a_step_without_checks_asks_azure_nothing() -> None:
    assert steps.parts("review") == frozenset()
    assert steps.parts("compute") == {"capacity"}
    assert {"files", "capacity", "rights"} <= steps.ALL
