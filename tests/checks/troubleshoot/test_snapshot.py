"""What a snapshot tells of its logs and its changes."""

from __future__ import annotations

import pytest
from endpoint_snapshots import change, snapshot

from tui.checks.troubleshoot.snapshot import Log


def test_the_log_that_starts_first_is_first() -> None:
    logs = [
        Log("blue", "other", "3"), Log("blue", "inference-server", "2"), Log("red", "inference-server", "x"),
        Log("blue", "storage-initializer", "1"), Log("blue", "inference-server", ""),
    ]  # fmt: skip
    assert snapshot(logs=logs).log_of("blue").split() == ["1", "2", "3"]
    assert snapshot().log_of("blue") == ""


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ([("Failed", "write")], 1),
        ([("Failed", "delete")], 1),
        ([("Failed", "read")], 0),
        ([("Succeeded", "write")], 0),
        ([("Succeeded", "write"), ("Failed", "write")], 0),
        ([("Failed", "write"), ("Succeeded", "write")], 1),
        ([("Started", "write"), ("Failed", "write")], 1),
        ([("Succeeded", "read"), ("Failed", "write")], 1),
        ([("Failed", "write"), ("Failed", "write")], 1),
    ],
)
def test_a_failure_counts_until_a_later_success(changes: list[tuple[str, str]], failed: int) -> None:
    seen = snapshot(changes=[change(status, action=f"x/{action}") for status, action in changes])
    assert len(seen.failed_changes()) == failed
    seen.changes = None
    assert seen.failed_changes() == []


def test_a_success_elsewhere_settles_nothing() -> None:
    seen = snapshot(changes=[change("Succeeded", what="deployments/red"), change("Failed", what="deployments/BLUE")])
    assert [one.name for one in seen.failed_changes()] == ["BLUE"]


LAST = "2026-11-23T10:00:00Z"


@pytest.mark.parametrize(
    ("status", "action", "what", "deployment", "found"),
    [
        ("Succeeded", "x/write", "deployments/blue", "blue", LAST),
        ("Succeeded", "x/WRITE", "deployments/Blue", "blue", LAST),
        ("Failed", "x/write", "deployments/blue", "blue", ""),
        ("Succeeded", "x/delete", "deployments/blue", "blue", ""),
        ("Succeeded", "x/write", "deployments/red", "blue", ""),
        ("Succeeded", "x/write", "", "", LAST),
        ("Succeeded", "x/write", "deployments/blue", "", ""),
    ],
)
def test_the_last_successful_change(status: str, action: str, what: str, deployment: str, found: str) -> None:
    assert snapshot(changes=[change(status, action=action, what=what, time=LAST)]).changed_at(deployment) == found


@pytest.mark.parametrize(
    ("made", "creation"),
    [
        ("2026-11-23T10:00:00Z", True),
        ("2026-11-23T10:01:00Z", True),
        ("2026-11-23T10:01:01Z", False),
        ("2026-11-23T08:02:00Z", True),
        ("2026-11-23T07:59:00Z", False),
        ("not a time", False),
        ("", False),
    ],
)
def test_a_creation_is_no_change(made: str, creation: bool) -> None:
    seen = snapshot(changes=[change("Succeeded", time=LAST)], told={"blue": {"created_at": made}})
    assert seen.changed_at("blue") == ("" if creation else LAST)
    seen.changes = [change("Succeeded", time=LAST), change("Succeeded", time="2026-11-23T09:59:00Z")]
    assert seen.changed_at("blue") == LAST, "a second operation is a change"
