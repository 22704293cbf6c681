"""The diagnosis of the workspace, the network path, recent operations and the keeping of logs."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_snapshots import change, deployment, snapshot, workspace

from tui.checks.finding import Finding, Fix
from tui.checks.troubleshoot import surroundings
from tui.cloud.monitor.log_analytics import Diagnostics


@pytest.mark.parametrize(
    ("status", "id", "fixes"),
    [
        ("Pending", "private-endpoint-pending", 1),
        ("Rejected", "private-endpoint-rejected", 0),
        ("Disconnected", "private-endpoint-rejected", 0),
        ("Approved", None, 0),
    ],
)
def test_private_endpoint_connections(status: str, id: str | None, fixes: int) -> None:
    connection = {"name": "c1", "private_endpoint": "", "status": status, "description": ""}
    seen = snapshot(workspace=workspace(), connections=[connection])
    found = list(surroundings.workspace(seen))
    assert [(one.id, one.severity, len(one.fixes)) for one in found] == ([(id, "warning", fixes)] if id else [])
    assert all("c1" in one.message for one in found)
    seen.workspace = None
    assert list(surroundings.workspace(seen)) == []


def hop(name: str, state: str, needed: bool = True) -> list[Finding]:
    told = {"name": name, "host": "h.example", "purpose": "", "needed": needed, "state": state}
    return list(surroundings.reachability(snapshot(connectivity={"hops": [told]})))


@pytest.mark.parametrize(
    ("name", "state", "needed", "severity", "card"),
    [
        ("scoring", "unresolved", True, "blocker", "endpoint-dns"),
        ("scoring", "wrong_address", True, "blocker", "endpoint-dns"),
        ("scoring", "unreachable", False, "blocker", ""),
        ("scoring", "tls", True, "blocker", ""),
        ("scoring", "reachable", True, None, ""),
        ("scoring", "unknown", True, None, ""),
        ("storage", "unresolved", True, "blocker", ""),
        ("storage", "unresolved", False, "warning", ""),
        ("login", "unreachable", True, "blocker", ""),
        ("resource-manager", "tls", False, "warning", ""),
        ("registry", "unresolved", True, None, ""),
        ("registry", "wrong_address", True, "warning", ""),
        ("registry", "wrong_address", False, "warning", ""),
    ],
)
def test_hosts_on_the_way(name: str, state: str, needed: bool, severity: str | None, card: str) -> None:
    found = hop(name, state, needed)
    assert [(one.severity, one.card) for one in found] == ([(severity, card)] if severity else [])
    assert all(one.remedy and one.cause and one.request for one in found)


def test_no_hosts_were_checked() -> None:
    assert list(surroundings.reachability(snapshot(connectivity={"hops": None}))) == []


def history(*changes: Any, card: str = "", deployments: tuple[Any, ...] = (), **more: Any) -> list[Finding]:
    seen = snapshot(*deployments, changes=list(changes), **more)
    return list(surroundings.history(seen, {}, lambda *_: {"id": card, "title": "t"} if card else None))


@pytest.mark.parametrize(
    ("state", "what", "told"),
    [
        ("Failed", "deployments/red", False),
        ("Canceled", "deployments/RED", False),
        ("Succeeded", "deployments/red", True),
        ("Failed", "", True),
        ("Failed", "deployments/gone", True),
    ],
)
def test_failed_deployments_have_their_own_findings(state: str, what: str, told: bool) -> None:
    found = history(change("Failed", what=what), deployments=(deployment(), deployment("red", state)))
    assert [one.id for one in found] == ["change-failed"] * told
    assert [one.deployment for one in found] == [what.rpartition("/")[2]] * told


def test_five_operations_are_told_at_most() -> None:
    found = history(*(change("Failed", what=f"deployments/d{number}") for number in range(6)))
    assert [one.deployment for one in found] == ["d0", "d1", "d2", "d3", "d4"]


def test_an_operation_is_told_with_its_time_and_its_request_id() -> None:
    (found,) = history(change("Failed", correlation_id="c-1", message="why"))
    assert "2026-11-23 10:00 UTC" in found.message
    assert (found.cause, found.request_ids) == ("why", ("c-1",))
    (other,) = history(change("Failed", time="yesterday"))
    assert "yesterday" in other.message and "UTC" not in other.message
    assert other.request_ids == () and other.cause


@pytest.mark.parametrize(
    ("card", "traffic", "offered"),
    [
        ("quota", {"blue": 100}, [("red", None), ("pink", None), ("blue", 2)]),
        ("region-capacity", {}, [("blue", 2), ("pink", 1)]),
        ("out-of-quota", {"blue": 0}, [("blue", 2), ("pink", 1)]),
        ("image-download", {"blue": 100}, []),
        ("", {"blue": 100}, []),
    ],
)
def test_room_is_offered_where_quota_is_short(
    card: str, traffic: dict[str, int], offered: list[tuple[str, int | None]]
) -> None:
    """By deployment: the fewer instances, or None if it is to be removed."""
    three = (deployment(instance_count=4), deployment("red"), deployment("pink", instance_count=2))
    (found,) = history(change("Failed", what=""), card=card, deployments=three, traffic=traffic)
    fixes = [fix.arguments for fix in found.fixes if isinstance(fix, Fix)]
    assert [(fix["deployment"], fix.get("instances")) for fix in fixes] == offered


@pytest.mark.parametrize(
    ("kept", "evidence"),
    [
        (None, None),
        (Diagnostics(("/w",), ("AmlOnlineEndpointConsoleLog",), ("logs",)), None),
        (Diagnostics(), "none"),
        (Diagnostics((), ("AmlOnlineEndpointConsoleLog",), ("hub",)), "hub"),
        (Diagnostics(("/w",), ("AmlOnlineEndpointTrafficLog",), ("logs",)), "logs"),
    ],
)
def test_logs_that_are_not_kept_are_advice(kept: Diagnostics | None, evidence: str | None) -> None:
    found = list(surroundings.logs_kept(snapshot(diagnostics=kept)))
    assert [(one.severity, one.advice) for one in found] == ([("warning", True)] if evidence else [])
    assert [one.evidence[0].rpartition(": ")[2] for one in found] == ([evidence] if evidence else [])
