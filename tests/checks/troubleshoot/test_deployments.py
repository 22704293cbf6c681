"""The diagnosis of an endpoint's state, its traffic and its deployments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from endpoint_snapshots import change, deployment, snapshot

from tui.checks.finding import Finding, Fix
from tui.checks.troubleshoot import deployments
from tui.checks.troubleshoot.snapshot import Log, Snapshot


def each(seen: Snapshot, card: dict[str, Any] | None = None) -> list[Finding]:
    return list(deployments.each(seen, lambda one: {}, lambda *_: card))


def actions(found: Finding) -> list[str]:
    return [fix.action for fix in found.fixes if isinstance(fix, Fix)]


@pytest.mark.parametrize(
    ("state", "id", "severity"),
    [
        ("Failed", "endpoint-state", "blocker"),
        ("Canceled", "endpoint-state", "blocker"),
        ("Updating", "endpoint-busy", "unknown"),
        ("Deleting", "endpoint-busy", "unknown"),
        ("Succeeded", None, None),
        ("", None, None),
    ],
)
def test_the_endpoints_own_state(state: str, id: str | None, severity: str | None) -> None:
    seen = snapshot()
    seen.endpoint = replace(seen.there, provisioning_state=state)
    assert [(one.id, one.severity) for one in deployments.endpoint(seen)] == ([(id, severity)] if id else [])


def test_the_activity_log_tells_why_the_endpoint_failed() -> None:
    failures = [
        change("Succeeded", what="", message="fine"), change("Failed", message="of blue"),
        change("Failed", what="", message="newest"), change("Failed", what="", message="older"),
    ]  # fmt: skip
    seen = snapshot(changes=failures)
    seen.endpoint = replace(seen.there, provisioning_state="Failed")
    assert [one.cause for one in deployments.endpoint(seen)] == ["newest"]
    seen.changes = None
    assert [one.evidence for one in deployments.endpoint(seen)] == [()]


@pytest.mark.parametrize(
    ("states", "traffic", "id", "offered"),
    [
        ({"blue": "Succeeded"}, {"blue": 100}, None, []),
        ({"blue": "Succeeded"}, {"blue": 0}, "traffic-zero", ["blue"]),
        ({"blue": "Failed"}, {}, "traffic-zero", []),
        ({"blue": "Failed", "red": "Succeeded"}, {"blue": 0}, "traffic-zero", ["red"]),
        ({"blue": "Failed", "red": "Succeeded"}, {"blue": 100}, "traffic-broken", ["red"]),
        ({"blue": "Canceled", "red": "Succeeded"}, {"blue": 1, "red": 99}, "traffic-broken", ["red"]),
        ({"blue": "Failed", "red": "Succeeded"}, {"blue": 0, "red": 100}, None, []),
        ({"blue": "Updating"}, {"blue": 100}, None, []),
        ({"blue": "Succeeded"}, {"blue": 90, "gone": 10}, "traffic-broken", ["blue"]),
        (dict.fromkeys("abcd", "Succeeded"), {}, "traffic-zero", ["a", "b", "c"]),
    ],
)
def test_where_the_traffic_goes(
    states: Mapping[str, str], traffic: Mapping[str, int], id: str | None, offered: list[str]
) -> None:
    seen = snapshot(*(deployment(name, state) for name, state in states.items()), traffic=traffic)
    found = deployments.traffic(seen)
    assert [(one.id, one.severity) for one in found] == ([(id, "blocker")] if id else [])
    assert [list(fix.arguments["shares"]) for one in found for fix in one.fixes if isinstance(fix, Fix)] == [
        [name] for name in offered
    ]
    if id == "traffic-zero":
        assert bool(found[0].commands) == bool(offered)


def test_the_lost_part_of_the_traffic_is_the_sum_of_all_that_cannot_answer() -> None:
    seen = snapshot(deployment(), deployment("red", "Failed"), traffic={"blue": 70, "red": 20, "gone": 10})
    (found,) = deployments.traffic(seen)
    assert found.message.startswith("30 %") and found.deployment == "red"


@pytest.mark.parametrize("split", [{}, {"red": 100}])
def test_a_roll_back_is_offered_only_with_something_else(split: Mapping[str, int]) -> None:
    tags = {"aml-deploy-traffic-before": "blue=100"}
    (found,) = deployments.traffic(snapshot(deployment(), deployment("red", "Failed"), traffic=split, tags=tags))
    assert actions(found) == ["set_traffic", "rollback"]


@pytest.mark.parametrize(
    ("state", "traffic", "mirror", "id", "severity"),
    [
        ("Failed", {"red": 100}, {}, "deployment-failed", "blocker"),
        ("Canceled", {"blue": 100}, {}, "deployment-failed", "warning"),
        ("Failed", {"blue": 0}, {}, "deployment-failed", "blocker"),
        ("Updating", {"blue": 100}, {}, "deployment-under-way", "unknown"),
        ("Succeeded", {"blue": 100}, {}, "deployment-idle", "warning"),
        ("Succeeded", {"blue": 100, "red": 0}, {}, "deployment-idle", "warning"),
        ("Succeeded", {"blue": 99, "red": 1}, {}, None, None),
        ("Succeeded", {"blue": 100}, {"red": 1}, None, None),
        ("Succeeded", {"blue": 0}, {}, None, None),
        ("", {"red": 100}, {}, None, None),
    ],
)
def test_each_deployment(
    state: str, traffic: Mapping[str, int], mirror: Mapping[str, int], id: str | None, severity: str | None
) -> None:
    seen = snapshot(deployment(), deployment("red", state), traffic=traffic)
    seen.there.mirror_traffic.update(mirror)
    found = [one for one in each(seen) if one.deployment == "red"]
    assert [(one.id, one.severity) for one in found] == ([(id, severity)] if id else [])
    assert [one.advice for one in found] == [id == "deployment-idle"] * len(found)


@pytest.mark.parametrize(
    ("card", "offered"),
    [
        (None, ["remove_deployment"]),
        ("package-missing", ["remove_deployment"]),
        ("probe-too-short", ["raise_probe_delay", "remove_deployment"]),
        ("image-download", ["redeploy", "remove_deployment"]),
        ("key-vault-bypass", ["redeploy", "remove_deployment"]),
    ],
)
def test_what_the_reason_of_a_failure_offers(card: str | None, offered: list[str]) -> None:
    seen = snapshot(deployment(), deployment("red", "Failed"))
    (found,) = each(seen, {"id": card, "title": "t"} if card else None)
    assert actions(found) == offered


@pytest.mark.parametrize(
    ("log", "shown"),
    [("one\ntwo", ("one", "two")), ("Please TRY again later.", ()), ("The log is not available", ()), ("", ())],
)
def test_a_log_that_is_not_there_is_no_evidence(log: str, shown: tuple[str, ...]) -> None:
    logs = [Log("blue", "inference-server", log)]
    (found,) = each(snapshot(deployment(state="Failed"), logs=logs))
    assert found.evidence == shown


def test_without_log_and_reason_the_remedy_is_another_one() -> None:
    failed = deployment(state="Failed")
    with_log = snapshot(failed, logs=[Log("blue", "inference-server", "x")])
    with_reason = snapshot(failed, changes=[change("Failed", message="m", correlation_id="c")])
    remedies = [each(seen)[0].remedy for seen in (snapshot(failed), with_log, with_reason)]
    assert remedies[0] != remedies[1] == remedies[2]
    assert [each(seen)[0].request_ids for seen in (with_log, with_reason)] == [(), ("c",)]
    assert "2026-11-23 10:00, " in each(with_reason)[0].message


@pytest.mark.parametrize(("message", "said"), [("disk full", "disk full"), ("", None)])
def test_the_cause_is_what_the_activity_log_says(message: str, said: str | None) -> None:
    (found,) = each(snapshot(deployment(state="Failed"), changes=[change("Failed", message=message)]))
    assert found.cause == said if said else found.cause


def test_since_when_a_deployment_is_under_way() -> None:
    busy = deployment(state="Updating")
    told = {"blue": {"changed_at": "2026-11-23T10:00:59Z"}}
    assert "since 2026-11-23 10:00." in each(snapshot(busy, told=told))[0].message
    assert "since" not in each(snapshot(busy))[0].message


def test_an_idle_deployment_costs_money_by_its_instances() -> None:
    def cost(**more: Any) -> str:
        return each(snapshot(deployment(), deployment("red", **more)))[0].message.partition("It costs ")[2].split()[0]

    assert float(cost(instance_count=3)) == pytest.approx(3 * float(cost()), abs=0.02)
    (found,) = each(snapshot(deployment(), deployment("red", instance_type="Standard_Unknown")))
    assert "costs" not in found.message and actions(found) == ["remove_deployment"]
