"""How an endpoint's requests are judged: limits, counts, and the fixes offered for a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tui.checks.finding import Finding
from tui.checks.troubleshoot import fixes, requests
from tui.checks.troubleshoot.snapshot import Log, Snapshot
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.monitor.activity_log import Change
from tui.cloud.monitor.metrics import Answers, Hour

KEYS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/regenerateKeys/action"


def deployment(name: str = "blue", state: str = "Succeeded", **more: Any) -> DeploymentInfo:
    return DeploymentInfo(
        **{
            "name": name, "id": f"e/deployments/{name}", "provisioning_state": state,
            "instance_type": "Standard_DS3_v2", "instance_count": 1, "model": "m", "environment": "e", "code": "c",
            "scoring_script": "score.py", "environment_variables": {}, "egress_public_network_access": None,
            "app_insights_enabled": False, "description": "", "tags": {},
            "request_settings": {"request_timeout_ms": 5000}, "liveness_probe": {"initial_delay": 10},
            "readiness_probe": {"initial_delay": 10}, **more,
        }  # type: ignore[arg-type]
    )  # fmt: skip


def endpoint(*found: DeploymentInfo, traffic: Mapping[str, int] | None = None, **more: Any) -> EndpointInfo:
    return EndpointInfo(
        "churn", "e", "Succeeded", "https://churn/score", more.pop("auth", "key"), "disabled", "",
        more.pop("tags", {}), dict(traffic if traffic is not None else {"blue": 100}), "eastus",
        deployments=list(found or [deployment()]), **more,
    )  # fmt: skip


def snapshot(of: EndpointInfo | None = None, **told: Any) -> Snapshot:
    seen = Snapshot("churn", endpoint=of or endpoint())
    for name, value in told.items():
        setattr(seen, name, value)
    return seen


def unknown(text: str, code: Any, facts: Any) -> None:
    return None


def call(status: int | None, name: str | None = "blue", ok: bool = False, **more: Any) -> dict[str, Any]:
    return {"route": "routed", "status_code": status, "ok": ok, "note": "", "body": "b", "deployment": name, **more}


def of_tests(seen: Snapshot) -> list[Finding]:
    return list(requests.tests(seen, lambda one: {}, unknown))


def answered(seen: Snapshot) -> list[Finding]:
    return list(requests.answers(seen, lambda one: {}, unknown))


def count(status: str, number: float, name: str = "blue", minute: str = "10:05") -> Answers:
    return Answers(name, status, number, ((f"2026-11-23T{minute}:00Z", number),))


@pytest.mark.parametrize(
    ("calls", "ids"),
    [
        ([call(200, ok=True)], []),
        ([call(424)], ["test-424"]),
        ([call(424), call(424)], ["test-424"]),
        ([call(424), call(424, "green")], ["test-424", "test-424"]),
        ([call(424), call(500)], ["test-424", "test-500"]),
        ([call(424, None), call(424, "gone")], ["test-424"]),
        ([call(None, None)], ["test-unanswered"]),
        ([call(200, ok=True), call(408)], ["test-408"]),
    ],
)
def test_each_failure_of_a_test_is_told_once(calls: list[dict[str, Any]], ids: list[str]) -> None:
    seen = snapshot(endpoint(deployment(), deployment("green")), tests=calls)
    assert [one.id for one in of_tests(seen)] == ids
    assert all(one.severity == "blocker" for one in of_tests(seen))


@pytest.mark.parametrize(
    ("status", "name", "shown"),
    [(424, "blue", True), (200, "blue", True), (500, "blue", False), (408, "blue", False), (424, "gone", False)],
)
def test_the_log_is_shown_if_the_container_failed(status: int, name: str, shown: bool) -> None:
    seen = snapshot(tests=[call(status, name)], logs=[Log("blue", "inference-server", "it broke")])
    assert ("it broke" in of_tests(seen)[0].evidence) == shown


def test_a_test_has_its_request_id_and_ten_lines_of_the_body() -> None:
    headers = {"X-Request-Id": "r-1", "other": "r-2"}
    (found,) = of_tests(snapshot(tests=[call(424, headers=headers, body="\n".join(f"line {n}" for n in range(20)))]))
    assert found.request_ids == ("r-1",)
    assert [line for line in found.evidence if line.startswith("line")] == [f"line {n}" for n in range(10)]


@pytest.mark.parametrize(
    ("bad", "good", "severity"),
    [(2, 0, "warning"), (3, 0, "blocker"), (3, 3, "blocker"), (3, 4, "warning"), (4, 3, "blocker"), (1, 99, "warning")],
)
def test_half_of_at_least_three_requests_is_a_blocker(bad: float, good: float, severity: str) -> None:
    (found,) = answered(snapshot(hour=Hour("", "", [count("424", bad), count("200", good)])))
    assert found.severity == severity
    assert found.message.startswith("1 request failed" if bad == 1 else f"{bad} requests ")


@pytest.mark.parametrize(("bad", "tests", "told"), [
    (3, [call(424)], True), (2, [call(424)], False), (2, [call(424, ok=True)], True), (2, [call(408)], True),
])  # fmt: skip
def test_a_warning_that_a_test_showed_too_is_not_repeated(bad: float, tests: list[Any], told: bool) -> None:
    assert bool(answered(snapshot(hour=Hour("", "", [count("424", bad)]), tests=tests))) == told


@pytest.mark.parametrize("hour", [None, Hour("", ""), Hour("", "", [count("200", 9), count("204", 9)])])
def test_no_requests_and_good_ones_are_nothing_wrong(hour: Hour | None) -> None:
    assert answered(snapshot(hour=hour)) == []


@pytest.mark.parametrize(
    ("status", "name", "resource", "told"),
    [
        ("424", "blue", "e/deployments/blue", False), ("424", "blue", "e/deployments/green", True),
        ("404", "", "e", False), ("401", "", "e", True), ("403", "", "e", True),
    ],
)  # fmt: skip
def test_what_a_later_change_fixed_is_omitted(status: str, name: str, resource: str, told: bool) -> None:
    write = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write"
    resource = f"/subscriptions/s/x/onlineEndpoints/churn{resource[1:]}"
    changed = Change("2026-11-23T10:05:30Z", "Write", write, resource, "Succeeded", "ann")
    seen = snapshot(hour=Hour("", "", [count(status, 5, name)]), changes=[changed])
    assert bool(answered(seen)) == told
    seen = snapshot(hour=Hour("", "", [count(status, 5, name, "10:06")]), changes=[changed])
    assert len(answered(seen)) == 1


@pytest.mark.parametrize(("status", "action", "named"), [
    ("401", KEYS, True), ("403", KEYS, False), ("401", "other", False),
])  # fmt: skip
def test_regenerated_keys_explain_401_only(status: str, action: str, named: bool) -> None:
    rotated = Change("2026-11-23T10:00:00Z", "Regenerate", action, "e", "Succeeded", "ann")
    (found,) = answered(snapshot(hour=Hour("", "", [count(status, 5, "")]), changes=[rotated]))
    assert ("ann" in found.cause) == named
    assert len(found.evidence) == 1 + named


@pytest.mark.parametrize(
    ("status", "auth", "name", "traffic", "actions"),
    [
        (401, "key", None, None, ["write_key"]),
        (401, "aad_token", None, None, []),
        (401, "aad_token", "blue", None, []),
        (403, "key", "blue", None, []),
        (429, "key", "blue", None, ["scale"]),
        (429, "key", None, None, []),
        (408, "key", "blue", None, ["raise_timeout", "set_traffic", "set_traffic"]),
        (408, "key", "blue", {}, ["raise_timeout"]),
        (424, "key", "blue", None, ["set_traffic", "set_traffic"]),
        (424, "key", "blue", {"green": 100}, []),
        (200, "key", "blue", None, ["set_traffic", "set_traffic"]),
        (None, "key", "blue", None, ["set_traffic", "set_traffic"]),
        (500, "key", "blue", None, []),
    ],
)
def test_fixes_for_a_status(status: int | None, auth: str, name: str | None, traffic: Any, actions: list[str]) -> None:
    several = [deployment(), deployment("broken", "Failed"), *(deployment(n) for n in ("green", "red", "grey"))]
    seen = snapshot(endpoint(*several, auth=auth, traffic=traffic), tests=[call(status, name)])
    (found,) = of_tests(seen)
    assert [fix.action for fix in found.fixes] == actions
    shares = [dict(fix.arguments)["shares"] for fix in found.fixes if fix.action == "set_traffic"]
    assert shares in ([], [{"green": 100}, {"red": 100}])


def test_too_many_requests_double_the_instances() -> None:
    (found,) = of_tests(snapshot(endpoint(deployment(instance_count=3)), tests=[call(429)]))
    assert found.fixes[0].arguments["instances"] == 6


@pytest.mark.parametrize(
    ("settings", "p95", "close"),
    [
        ({"request_timeout_ms": 10_000}, 8000.0, False), ({"request_timeout_ms": 10_000}, 8001.0, True),
        ({}, 4000.0, False), ({}, 4001.0, True), ({}, None, False),
    ],
)  # fmt: skip
def test_latency_over_four_fifths_of_the_timeout(settings: dict[str, int], p95: float | None, close: bool) -> None:
    hour = Hour("", "", latency={} if p95 is None else {"blue": {"p95_ms": p95}})
    found = list(requests.load(snapshot(endpoint(deployment(request_settings=settings)), hour=hour)))
    assert [one.id for one in found] == (["latency-close"] if close else [])
    assert list(requests.load(snapshot(hour=None))) == []


@pytest.mark.parametrize(
    ("key", "percent", "id", "instances"),
    [
        ("cpu_percent", 89.9, None, None), ("cpu_percent", 90.0, "load-processors", 3),
        ("memory_percent", 90.1, "load-memory", None), ("disk_percent", 99.0, "load-disk", None),
    ],
)  # fmt: skip
def test_a_machine_at_its_limit(key: str, percent: float, id: str | None, instances: int | None) -> None:
    hour = Hour("", "", load={"blue": {key: percent}})
    found = list(requests.load(snapshot(endpoint(deployment(instance_count=2)), hour=hour)))
    assert [one.id for one in found] == ([id] if id else [])
    assert [fix.arguments["instances"] for one in found for fix in one.fixes] == ([instances] if instances else [])


@pytest.mark.parametrize(
    ("now", "wanted"), [(None, 30_000), (9_000, 30_000), (12_000, 36_000), (60_000, 180_000), (179_999, 180_000),
                        (180_000, None)],
)  # fmt: skip
def test_a_timeout_is_tripled_up_to_the_maximum(now: int | None, wanted: int | None) -> None:
    fix = fixes.raise_timeout(deployment(request_settings={"request_timeout_ms": now}))
    assert (fix.arguments["milliseconds"] if fix else None) == wanted


@pytest.mark.parametrize(
    ("liveness", "readiness", "wanted"),
    [(0, 0, 300), (100, 10, 300), (101, 10, 303), (10, 200, 600), (1200, 0, 3600), (2000, 0, 3600)],
)
def test_a_probe_delay_is_tripled_within_limits(liveness: int, readiness: int, wanted: int) -> None:
    one = deployment(liveness_probe={"initial_delay": liveness}, readiness_probe={"initial_delay": readiness})
    assert fixes.raise_probe_delay(one).arguments["seconds"] == wanted


@pytest.mark.parametrize(
    ("now", "asked", "given"), [(2, 0, 1), (1, 0, None), (1, 2, 2), (3, 3, None), (40, 80, 50), (50, 51, None)]
)
def test_instances_stay_between_one_and_fifty(now: int, asked: int, given: int | None) -> None:
    fix = fixes.scale(endpoint(), deployment(instance_count=now), asked)
    assert (fix.arguments["instances"] if fix else None) == given
    if fix and given:
        assert f"{abs(given - now)} {'more' if given > now else 'fewer'}" in fix.what


@pytest.mark.parametrize(
    ("before", "now", "offered"),
    [("blue=100", {"green": 100}, True), ("blue=100", {"blue": 100}, False), ("", {"green": 100}, False),
     ("bad=100", {"green": 100}, False), ("blue=50,gone=50", {"green": 100}, False)],
)  # fmt: skip
def test_a_roll_back_goes_to_ready_deployments_only(before: str, now: dict[str, int], offered: bool) -> None:
    tags = {"aml-deploy-traffic-before": before} if before else {}
    of = endpoint(deployment(), deployment("green"), deployment("bad", "Failed"), traffic=now, tags=tags)
    assert (fixes.rollback(of) is not None) == offered


@pytest.mark.parametrize(("traffic", "mirror", "offered"), [
    ({}, {}, True), ({"blue": 0}, {}, True), ({"blue": 1}, {}, False), ({}, {"blue": 10}, False),
])  # fmt: skip
def test_only_a_deployment_without_traffic_can_be_removed(traffic: Any, mirror: Any, offered: bool) -> None:
    of = endpoint(traffic=traffic, mirror_traffic=mirror)
    assert (fixes.remove_deployment(of, deployment()) is not None) == offered
