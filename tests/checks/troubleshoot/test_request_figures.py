"""What callers and test calls got, and what is offered for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from endpoint_snapshots import change, deployment, snapshot

from tui.checks.finding import Finding, Fix
from tui.checks.troubleshoot import requests
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.cloud.monitor.metrics import Answers, Hour

CHANGED = "2026-11-23T10:00:00Z"
BEFORE, SAME, AFTER = "2026-11-23T09:59:00Z", "2026-11-23T10:00:00Z", "2026-11-23T10:01:00Z"


def hour(*counts: tuple[str, float, str], deployment: str = "blue", **more: Any) -> Hour:
    answers = [Answers(deployment, status, count, ((minute, count),)) for status, count, minute in counts]
    return Hour("", "", answers, **more)


def answered(seen: Snapshot) -> list[Finding]:
    return list(requests.answers(seen, lambda one: {}, lambda *_: None))


def made(seen: Snapshot) -> list[Finding]:
    return list(requests.tests(seen, lambda one: {}, lambda *_: None))


def call(status: int | None, ok: bool = False, deployment: str | None = "blue") -> dict[str, Any]:
    return {"route": "routed", "status_code": status, "ok": ok, "note": "", "body": "b", "deployment": deployment,
            "headers": {"X-Request-Id": "r-1", "ms-azureml-model-error-reason": "x"}}  # fmt: skip


def actions(found: Finding) -> list[str]:
    return [fix.action for fix in found.fixes if isinstance(fix, Fix)]


@pytest.mark.parametrize(
    ("bad", "good", "severity"),
    [(3, 3, "blocker"), (3, 0, "blocker"), (2, 0, "warning"), (2, 2, "warning"), (3, 4, "warning"), (9, 10, "warning")],
)
def test_callers_are_blocked_if_half_of_at_least_three_requests_fail(bad: float, good: float, severity: str) -> None:
    counts = [("424", bad, AFTER), *([("200", good, AFTER)] if good else [])]
    (found,) = answered(snapshot(hour=hour(*counts)))
    assert (found.id, found.severity, found.deployment) == ("answers-424", severity, "blue")


@pytest.mark.parametrize("seen", [None, Hour("", ""), hour(("200", 5, AFTER)), hour(("204", 5, AFTER))])
def test_without_failures_nothing_is_said(seen: Hour | None) -> None:
    assert answered(snapshot(hour=seen)) == []


@pytest.mark.parametrize(("count", "said"), [(1, "1 request failed"), (2, "2 requests failed"), (1.4, "1 request ")])
def test_the_number_of_requests_agrees(count: float, said: str) -> None:
    (found,) = answered(snapshot(hour=hour(("424", count, AFTER))))
    assert said in found.message


@pytest.mark.parametrize(
    ("status", "what", "deployment", "minute", "told"),
    [
        ("424", "deployments/blue", "blue", BEFORE, False),
        ("424", "deployments/blue", "blue", SAME, False),
        ("424", "deployments/blue", "blue", AFTER, True),
        ("424", "", "blue", BEFORE, True),
        ("404", "", "", BEFORE, False),
        ("404", "", "", AFTER, True),
        ("404", "deployments/blue", "", BEFORE, True),
        ("401", "", "", BEFORE, True),
        ("403", "", "", BEFORE, True),
        ("429", "deployments/blue", "blue", BEFORE, False),
    ],
)
def test_a_change_ends_what_it_can_have_fixed(status: str, what: str, deployment: str, minute: str, told: bool) -> None:
    seen = snapshot(
        hour=hour((status, 2, minute), deployment=deployment), changes=[change("Succeeded", what=what, time=CHANGED)]
    )
    assert bool(answered(seen)) == told


@pytest.mark.parametrize(
    ("status", "ok", "bad", "told"),
    [(424, False, 2, False), (424, False, 3, True), (424, True, 2, True), (500, False, 2, True)],
)
def test_a_warning_is_not_repeated_if_a_test_call_failed_the_same_way(
    status: int, ok: bool, bad: int, told: bool
) -> None:
    seen = snapshot(hour=hour(("424", bad, AFTER)), tests=[call(status, ok)])
    assert bool(answered(seen)) == told


@pytest.mark.parametrize(("status", "action", "named"), [
    ("401", "x/regenerateKeys/action", True), ("401", "x/write", False), ("403", "x/regenerateKeys/action", False),
])  # fmt: skip
def test_renewed_keys_explain_401_only(status: str, action: str, named: bool) -> None:
    seen = snapshot(hour=hour((status, 2, AFTER), deployment=""), changes=[change("Succeeded", action=action)])
    (found,) = answered(seen)
    assert ("ann" in found.cause) == named
    assert len(found.evidence) == 1 + named


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([call(200, True)], []),
        ([call(424)], [("test-424", "blue")]),
        ([call(424), call(424)], [("test-424", "blue")]),
        ([call(424), call(424, deployment="red")], [("test-424", "blue"), ("test-424", "red")]),
        ([call(424), call(408)], [("test-424", "blue"), ("test-408", "blue")]),
        ([call(None, deployment=None)], [("test-unanswered", "")]),
        ([call(404, deployment="gone")], [("test-404", "")]),
        ([call(200, True), call(500)], [("test-500", "blue")]),
    ],
)
def test_each_way_to_fail_is_told_once(calls: list[dict[str, Any]], found: list[tuple[str, str]]) -> None:
    told = made(snapshot(deployment(), deployment("red"), tests=calls))
    assert [(one.id, one.deployment) for one in told] == found
    assert all(one.severity == "blocker" and one.request_ids == ("r-1",) for one in told)


@pytest.mark.parametrize(
    ("status", "auth", "offered"),
    [
        (401, "key", ["write_key"]),
        (401, "aml_token", []),
        (403, "key", []),
        (404, "key", []),
        (429, "key", ["scale"]),
        (408, "key", ["raise_timeout", "rollback", "set_traffic"]),
        (424, "key", ["rollback", "set_traffic"]),
        (None, "key", ["rollback", "set_traffic"]),
        (500, "key", []),
    ],
)
def test_what_a_status_offers(status: int | None, auth: str, offered: list[str]) -> None:
    seen = snapshot(deployment(), deployment("red"), deployment("pink", "Failed"), tests=[call(status)],
                    tags={"aml-deploy-traffic-before": "red=100"})  # fmt: skip
    seen.endpoint = replace(seen.there, auth_mode=auth)
    assert actions(made(seen)[0]) == offered
    seen.there.traffic.clear()
    without = [one for one in offered if one not in ("rollback", "set_traffic")]
    assert actions(made(seen)[0]) == without, "no traffic to move away"


def test_429_offers_twice_the_instances_and_two_others_take_over_at_most() -> None:
    seen = snapshot(deployment(instance_count=3), tests=[call(429)])
    (fix,) = made(seen)[0].fixes
    assert isinstance(fix, Fix) and fix.arguments["instances"] == 6
    four = [deployment(name) for name in ("blue", "a", "b", "c")]
    assert len(made(snapshot(*four, tests=[call(424)]))[0].fixes) == 2


@pytest.mark.parametrize(
    ("limit", "p95", "told"),
    [(5000, 4000, False), (5000, 4001, True), (None, 4000, False), (None, 4001, True), (10_000, 4001, False)],
)
def test_latency_above_four_fifths_of_the_timeout(limit: int | None, p95: float, told: bool) -> None:
    one = deployment(request_settings={"request_timeout_ms": limit})
    seen = snapshot(one, hour=Hour("", "", latency={"blue": {"p95_ms": p95}}))
    assert [found.id for found in requests.load(seen)] == ["latency-close"] * told
    assert list(requests.load(snapshot(one, hour=None))) == []


@pytest.mark.parametrize(
    ("key", "percent", "id", "instances"),
    [
        ("cpu_percent", 89.9, None, None),
        ("cpu_percent", 90.0, "load-processors", 4),
        ("memory_percent", 95.0, "load-memory", None),
        ("disk_percent", 100.0, "load-disk", None),
    ],
)
def test_machines_at_their_limits(key: str, percent: float, id: str | None, instances: int | None) -> None:
    one = deployment(instance_count=3)
    found = list(requests.load(snapshot(one, hour=Hour("", "", load={"blue": {key: percent}}))))
    assert [told.id for told in found] == ([id] if id else [])
    offered = [fix.arguments["instances"] for told in found for fix in told.fixes if isinstance(fix, Fix)]
    assert offered == ([instances] if instances else [])
