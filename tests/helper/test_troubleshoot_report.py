"""The lines of a troubleshooting report, from plain data: what is counted, named, left out, and in which order."""

from __future__ import annotations

from typing import Any

import pytest

from tui.helper import troubleshoot_report as report


def finding(severity: str, id: str = "one", **more: Any) -> dict[str, Any]:
    return {"id": id, "severity": severity, "message": f"{id} is {severity}", **more}


def deployment(name: str = "blue", **more: Any) -> dict[str, Any]:
    plain = {"provisioning_state": "Succeeded", "traffic": 100, "instance_count": 2, "instance_type": "Standard_F4s_v2"}
    return {"name": name, **plain, **more}


def change(number: int, **more: Any) -> dict[str, Any]:
    return {
        "correlation_id": f"c{number}",
        "action": "x/write",
        "status": "Succeeded",
        "operation": f"o{number}",
        **more,
    }


# Differences between two reports.


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [finding("blocker")], ["new: one is blocker"]),
        ([finding("warning")], [], ["resolved: one is warning"]),
        ([], [finding("ok")], ["now: one is ok"]),
        ([finding("ok")], [], []),
        ([finding("warning")], [finding("warning")], []),
        ([finding("warning", deployment="blue")], [finding("warning", deployment="green")],
         ["new: one is warning", "resolved: one is warning"]),
        ([finding("warning", deployment=None)], [finding("warning")], []),
        ([finding("ok", "healthy")], [finding("unknown"), finding("ok", "seen")],
         ["new: one is unknown", "now: seen is ok"]),
    ],
)  # fmt: skip
def test_findings_that_came_and_went(before: list[Any], after: list[Any], told: list[str]) -> None:
    assert report.differences({"findings": before}, {"findings": after}) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([], [change(2), change(1)], ["o1", "o2"]),  # Azure lists the newest first; the oldest is told first
        ([change(1)], [change(2), change(1)], ["o2"]),
        ([change(1, status="Started")], [change(1)], ["o1"]),
        ([change(1, action="x/delete")], [change(1)], ["o1"]),
        (None, [change(1)], []),  # the activity log could not be read before, so nothing is new
        ([change(1)], None, []),
        ([], [change(1, action="X/listKeys/action"), change(2, action="x/token/action"), change(3)], ["o3"]),
        ([], [change(1, action="x/regenerateKeys/action"), change(2, action=None)], ["o2", "o1"]),
    ],
)
def test_changes_that_the_activity_log_adds(before: Any, after: Any, told: list[str]) -> None:
    lines = report.differences({"history": before}, {"history": after})
    assert [line.partition("  ")[2].partition(":")[0] for line in lines] == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({}, {}, []),
        ({"endpoint": {"provisioning_state": "Creating"}}, {"endpoint": {"provisioning_state": "Succeeded"}},
         ["endpoint: Creating → Succeeded"]),
        ({"endpoint": None}, {"endpoint": {"provisioning_state": "Creating"}}, ["endpoint: not seen → Creating"]),
        ({"endpoint": {"traffic": {"blue": 100}}}, {"endpoint": {"traffic": {"blue": 40, "green": 60}}},
         ["traffic: blue 100 % → green 60 %, blue 40 %"]),
        ({"endpoint": {"traffic": {"blue": 100, "green": 0}}}, {"endpoint": {"traffic": {"blue": 100}}}, []),
        ({"endpoint": {"traffic": {"blue": 100}}}, {"endpoint": None}, ["traffic: blue 100 % → no traffic"]),
        ({"deployments": [deployment()]}, {"deployments": []}, ["deployment blue: deleted"]),
        ({"deployments": None}, {"deployments": [deployment()]}, ["deployment blue: new, Succeeded"]),
        ({"deployments": [deployment()]}, {"deployments": [deployment()]}, []),
        ({"deployments": [deployment()]}, {"deployments": [deployment(provisioning_state="Updating")]},
         ["deployment blue: Succeeded → Updating"]),
        ({"deployments": [deployment()]}, {"deployments": [deployment(instance_count=3)]},
         ["deployment blue: 2 → 3 instances"]),
        ({"deployments": [deployment()]}, {"deployments": [deployment("green"), deployment(instance_count=1)]},
         ["deployment green: new, Succeeded", "deployment blue: 2 → 1 instances"]),
    ],
)  # fmt: skip
def test_states_that_changed(before: dict[str, Any], after: dict[str, Any], told: list[str]) -> None:
    assert report.differences(before, after) == told


# The state in one line, and the table.


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "no problems found"),
        ([finding("ok")], "no problems found"),
        ([finding("blocker")], "1 problem"),
        ([finding("blocker"), finding("blocker", "two"), finding("warning")], "2 problems, 1 warning"),
        ([finding("warning"), finding("warning", "two"), finding("unknown")], "2 warnings, 1 unknown"),
        ([finding("unknown"), finding("unknown", "two")], "2 unknown"),
        ([finding("warning", advice=True)], "1 recommendation"),
        ([finding("warning", advice=True), finding("ok", "two", advice=True)], "2 recommendations"),
        ([finding("warning", advice=True), finding("warning", "two")], "1 warning, 1 recommendation"),
    ],
)
def test_the_headline_counts_by_severity_and_advice_apart(found: list[Any], said: str) -> None:
    assert report.headline({"name": "churn", "findings": found}) == f"churn: {said}."


def test_a_report_without_an_endpoint_has_no_table() -> None:
    assert report.state_lines({"endpoint": None, "cost": {"per_hour": 1.0}}) == []


def test_the_table_of_a_bare_endpoint_leaves_out_what_is_not_known() -> None:
    assert report.state_lines({"endpoint": {"name": "churn"}}) == [
        ("State", "unknown"), ("Traffic", "no traffic"), ("Scoring URL", "none yet"),
    ]  # fmt: skip


def test_the_table_of_a_full_endpoint() -> None:
    endpoint = {
        "provisioning_state": "Succeeded", "traffic": {"blue": 10, "green": 90}, "mirror_traffic": {"red": 20},
        "scoring_uri": "https://x/score", "auth_mode": "key", "public_network_access": "disabled", "location": "eastus",
        "age_seconds": 7200, "created_at": "2026-01-02T03:04:05.67Z", "created_by": "ann",
        "changed_at": "2026-01-03T03:04:05Z", "changed_by": "bob", "portal_url": "https://portal",
    }  # fmt: skip
    cost = {"per_hour": 0.5, "per_month": 365.4, "currency": "USD", "note": "List price."}
    told = report.state_lines({"endpoint": endpoint, "cost": cost, "workspace": {"explain": "managed network"}})
    assert dict(told) == {
        "State": "Succeeded",
        "Traffic": "green 90 %, blue 10 %",
        "Mirrored traffic": "red 20 %",
        "Scoring URL": "https://x/score",
        "Sign-in": "key",
        "Public access": "disabled",
        "Region": "eastus",
        "Age": "2 hours, since 2026-01-02 03:04:05 UTC, created by ann",
        "Changed": "2026-01-03 03:04:05 UTC by bob",
        "Cost": "0.50 USD an hour, 365 USD a month. List price.",
        "Workspace": "managed network",
        "Portal": "https://portal",
    }
    nobody = {key: value for key, value in endpoint.items() if not key.endswith("_by")}
    rows = dict(report.state_lines({"endpoint": nobody}))
    assert (rows["Age"], rows["Changed"]) == ("2 hours, since 2026-01-02 03:04:05 UTC", "2026-01-03 03:04:05 UTC")
    assert dict(report.state_lines({"endpoint": {"age_seconds": 0}}))["Age"].startswith("0 seconds")


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ({}, ""),
        ({"per_hour": None, "note": "Not in the table."}, "unknown. Not in the table."),
        ({"per_hour": None}, "unknown."),
        ({"per_hour": 0.0, "per_month": 0.0, "currency": "USD", "note": "n"}, "0.00 USD an hour, 0 USD a month. n"),
    ],
)
def test_the_cost_in_words(cost: dict[str, Any], said: str) -> None:
    assert report.money(cost) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"), (1, "1 second"), (1.9, "1 second"), (2, "2 seconds"), (59.9, "59 seconds"),
        (60, "1 minute"), (119, "1 minute"), (120, "2 minutes"), (3599, "59 minutes"),
        (3600, "1 hour"), (7199, "1 hour"), (86399, "23 hours"), (86400, "1 day"), (172800, "2 days"),
    ],
)  # fmt: skip
def test_a_span_is_told_in_its_largest_unit(seconds: float, said: str) -> None:
    assert report.span(seconds) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-01-02T03:04:05.123Z", "2026-01-02 03:04:05 UTC"),
        ("2026-01-02T03:04:05", "2026-01-02 03:04:05 UTC"),
        ("2026-01-02T03:04Z", "2026-01-02T03:04Z"),
        ("2026-01-02T03:04:0", "2026-01-02T03:04:0"),
        ("", ""),
    ],
)
def test_a_moment_to_the_second(text: str, said: str) -> None:
    assert report.moment(text) == said


# One line each: deployment, host, change, metric, test call.


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ({}, ["blue  Succeeded", "100 % of traffic", "2 × Standard_F4s_v2"]),
        ({"provisioning_state": ""}, ["blue  state unknown", "100 % of traffic", "2 × Standard_F4s_v2"]),
        ({"price_per_hour": 0.0, "age_seconds": 0}, ["blue  Succeeded", "100 % of traffic", "2 × Standard_F4s_v2",
                                                     "0.00 an hour", "0 seconds old"]),
        ({"autoscale": [{"minimum": 1, "maximum": 4, "enabled": True}, {"minimum": 2, "maximum": 8, "enabled": False}]},
         ["blue  Succeeded", "100 % of traffic", "2 × Standard_F4s_v2", "1 to 4 by autoscale rule"]),
    ],
)  # fmt: skip
def test_a_deployment_in_one_line(more: dict[str, Any], parts: list[str]) -> None:
    assert report.deployment_line(deployment(**more)).split(", ") == parts


@pytest.mark.parametrize(
    ("state", "needed", "sign"),
    [
        ("reachable", True, "✔"), ("reachable", False, "✔"), ("not_tried", True, "·"), (None, True, "·"),
        ("of a later version", True, "·"), ("unreachable", True, "✖"), ("unreachable", False, "!"),
        ("unresolved", True, "✖"), ("wrong_address", True, "✖"), ("tls", True, "✖"), ("tls", False, "!"),
    ],
)  # fmt: skip
def test_the_sign_of_a_host_is_its_state_and_whether_it_is_needed(state: str | None, needed: bool, sign: str) -> None:
    line = report.hop_line({"state": state, "needed": needed, "name": "scoring", "host": "h"})
    assert line.startswith(f"{sign} scoring: ")
    assert line.endswith(", h → -")


def test_a_host_has_its_addresses_and_title() -> None:
    line = report.hop_line({"state": "unknown", "title": "Scoring", "name": "n", "addresses": ["10.0.0.1", "10.0.0.2"]})
    assert line == "· Scoring: unknown, unknown name → 10.0.0.1, 10.0.0.2"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"status": "Failed", "code": "Conflict"}, "Failed (Conflict), by ann"),
        ({"status": "Failed"}, "Failed, by ann"),
        ({"status": "Succeeded", "code": "OK"}, "Succeeded, by ann"),
        ({"status": "Succeeded", "caller": ""}, "Succeeded, by an unknown caller"),
    ],
)
def test_a_change_in_one_line(more: dict[str, Any], told: str) -> None:
    one = {"time": "2026-01-02T03:04:05Z", "operation": "Write", "resource": "/e/churn/", "caller": "ann", **more}
    assert report.history_line(one) == f"2026-01-02 03:04:05 UTC  Write: churn, {told}"


@pytest.mark.parametrize(
    ("hour", "count", "first"),
    [
        (None, 0, ""),
        ({}, 1, "No requests in the last hour"),
        ({"answers": [], "latency": None, "load": None}, 1, "No requests in the last hour"),
        ({"answers": [{"count": 3.0, "deployment": "blue", "status": "200"}]}, 1, "3 requests to blue answered 200"),
        ({"answers": [{"count": 1.0, "deployment": "", "status": "404"}]}, 1, "1 requests to no deployment"),
        ({"latency": {"blue": {"p50_ms": 4.4, "p95_ms": 9.6}, "": {"p50_ms": 1.0}}}, 2, "No requests"),
        ({"load": {"blue": {"cpu_percent": 71.6}, "green": {"memory_percent": 2}}}, 3, "No requests"),
    ],
)
def test_the_last_hours_metrics(hour: Any, count: int, first: str) -> None:
    lines = report.metric_lines({"metrics": hour})
    assert len(lines) == count
    assert "".join(lines[:1]).startswith(first)


def test_the_figures_of_latency_and_load_are_short() -> None:
    hour = {"latency": {"blue": {"p95_ms": 9.6, "p50_ms": 4.4}}, "load": {"blue": {"cpu_percent": 71.6}}}
    _, slow, busy = report.metric_lines({"metrics": hour})
    assert slow.endswith("p50 4 ms, p95 10 ms")
    assert busy.endswith("cpu 72 %")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ({"ok": True, "route": "split", "status_code": 200, "latency_ms": 0.0, "deployment": "blue"},
         "✔ split: 200 by blue in 0 ms"),
        ({"ok": False, "route": "green", "status_code": None, "note": "Refused"}, "✖ green: no answer. Refused"),
        ({"ok": False, "route": "split", "status_code": 424, "latency_ms": 12.6}, "✖ split: 424 in 13 ms"),
    ],
)  # fmt: skip
def test_a_test_call_in_one_line(call: dict[str, Any], said: str) -> None:
    assert report.test_line(call) == said


# Fixes, and the text for a support request.


def test_each_fix_is_offered_once_with_its_worst_finding() -> None:
    zero = {"action": "traffic", "with": {"blue": 100, "green": 0}}
    same = {"action": "traffic", "with": {"green": 0, "blue": 100}}
    other = {"action": "traffic", "with": {"blue": 50}}
    renew = {"action": "recreate"}
    worst, mild = finding("blocker", "worst", fixes=[zero, renew]), finding("warning", "mild", fixes=[same, other])
    offered = report.every_fix({"findings": [worst, finding("ok", "none", fixes=None), mild]})
    assert [(item["id"], fix) for item, fix in offered] == [("worst", zero), ("worst", renew), ("mild", other)]


def test_the_text_for_support_has_findings_changes_and_the_end_of_each_log() -> None:
    told = finding("blocker", cause="because", evidence=["line"], request_ids=["id-1"])
    text = report.for_support(
        {
            "name": "churn", "time": "2026-01-02T03:04:05Z", "principal": "ann",
            "findings": [told, finding("new word")],
            "deployments": [deployment()], "history": [change(1)],
            "logs": [{"deployment": "blue", "container": "inference-server", "content": "first\nsecond\nthird"}],
        },
        lines=2,
    )  # fmt: skip
    lines = text.splitlines()
    assert lines[:2] == ["churn: 1 problem.", "Read at 2026-01-02 03:04:05 UTC as ann"]
    assert {"wrong: one is blocker", "  why: because", "  line", "  request id: id-1"} <= set(lines)
    assert "new word: one is new word" in lines, "a severity without a word of its own is told as it is"
    assert lines[-3].endswith("last 2 lines")
    assert lines[-2:] == ["second", "third"]
    assert any(line.startswith("blue  Succeeded") for line in lines)
    assert any("  o1: " in line for line in lines)


def test_the_text_for_support_of_an_empty_report() -> None:
    text = report.for_support({"name": "churn"})
    assert " as ?" in text
    assert "why" not in text
    assert text.endswith("Changes of the last 24 hours\n")


@pytest.mark.parametrize(("lines", "kept"), [(39, 39), (40, 40), (41, 40)])
def test_the_text_for_support_has_40_lines_of_a_log(lines: int, kept: int) -> None:
    content = "\n".join(f"row {number}" for number in range(lines))
    text = report.for_support({"logs": [{"deployment": "b", "container": "c", "content": content}]})
    assert text.count("row ") == kept
    assert text.endswith(f"row {lines - 1}\n")
