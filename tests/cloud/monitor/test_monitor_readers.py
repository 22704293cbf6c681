"""What Azure Monitor, the activity log, Log Analytics and the workspace diagnostics tell."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.errors import CloudError
from tui.cloud.monitor import activity_log, log_analytics, metrics
from tui.cloud.monitor.activity_log import Change
from tui.cloud.workspace import diagnose

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"


def record(status: str, **more: Any) -> dict[str, Any]:
    return {
        "eventTimestamp": "2026-11-23T10:00:00Z", "operationName": {"value": "a/write", "localizedValue": "Write"},
        "status": {"value": status}, "caller": "ann", "correlationId": "c", "resourceId": ENDPOINT, **more,
    }  # fmt: skip


def recent(service: Service, cloud: Any, *records: dict[str, Any]) -> list[Change]:
    service.on("GET", "/eventtypes/management/values", Reply(200, {"value": list(records)}))
    return activity_log.recent(cloud, ENDPOINT)


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        (ENDPOINT, True), (ENDPOINT.upper() + "/", True), (f"{ENDPOINT}/deployments/blue", True), (WORKSPACE.id, True),
        (f"{ENDPOINT}-2", False), (f"{WORKSPACE.id}/onlineEndpoints/other", False), ("", False), (None, False),
    ],
)  # fmt: skip
def test_changes_of_the_endpoint_and_its_workspace(service: Service, cloud: Any, resource: Any, found: bool) -> None:
    assert len(recent(service, cloud, record("Succeeded", resourceId=resource))) == (1 if found else 0)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (record("Started"), record("Succeeded"), "Succeeded"),
        (record("Failed"), record("Started", eventTimestamp="2026-11-23T11:00:00Z"), "Failed"),
        (record("Started"), record("Accepted", eventTimestamp="2026-11-23T11:00:00Z"), "Accepted"),
        (record("Started", eventTimestamp="2026-11-23T11:00:00Z"), record("Accepted"), "Started"),
        (record("Canceled"), record("Succeeded", eventTimestamp="2026-11-23T09:00:00Z"), "Canceled"),
    ],
)
def test_an_operation_is_told_once_by_its_end(
    service: Service, cloud: Any, first: dict[str, Any], second: dict[str, Any], status: str
) -> None:
    assert [change.status for change in recent(service, cloud, first, second)] == [status]


def test_different_operations_are_told_newest_first(service: Service, cloud: Any) -> None:
    rows = [
        record("Succeeded"), record("Succeeded", correlationId="d", eventTimestamp="2026-11-23T12:00:00Z"),
        record("Succeeded", operationName={"value": "a/DELETE"}), record("Succeeded", resourceId=WORKSPACE.id),
        record("Succeeded", correlationId=None), record("Succeeded", correlationId=None, eventTimestamp="2026-11-24"),
    ]  # fmt: skip
    found = recent(service, cloud, *rows, record("Started", operationName={"value": "A/delete"}))
    assert len(found) == 6
    assert [change.time for change in found][:2] == ["2026-11-24", "2026-11-23T12:00:00Z"]
    assert {change.operation for change in found} == {"Write", "a/DELETE"}


def test_at_most_five_hundred_records_are_searched(service: Service, cloud: Any) -> None:
    other = record("Succeeded", resourceId="/other")
    for place, told in ((499, 1), (500, 0)):
        rows = [other] * 501
        rows[place] = record("Succeeded")
        assert len(recent(service, cloud, *rows)) == told


@pytest.mark.parametrize(
    ("status", "properties", "code", "message", "raw"),
    [
        ("Failed", {"statusMessage": '{"error": {"code": "A", "message": "m"}}', "statusCode": "B"}, "A", "m", True),
        ("Canceled", {"statusMessage": '{"error": {"message": "m"}}', "statusCode": "B"}, "B", "m", True),
        ("Failed", {"statusMessage": "plain"}, "", "plain", True),
        ("Failed", {"statusCode": "B"}, "", "", False),
        ("Succeeded", {"statusMessage": '{"error": {"code": "A", "message": "m"}}', "statusCode": "OK"}, "", "", False),
        ("Failed", None, "", "", False),
    ],
)
def test_the_reason_of_a_failure(
    service: Service, cloud: Any, status: str, properties: Any, code: str, message: str, raw: bool
) -> None:
    (found,) = recent(service, cloud, record(status, properties=properties))
    assert (found.code, found.message, bool(found.raw)) == (code, message, raw)


def test_a_change_in_lines() -> None:
    change = Change("t", "Write", "w", "/x/churn/", "Failed", code="A", message="\n first \n\nsecond\nthird")
    assert (change.name, change.reason) == ("churn", "first")
    assert change.lines(2) == ("A:  first", "second") and len(change.lines()) == 3
    assert Change("t", "", "", "", "", message="m").lines() == ("m",)
    assert Change("t", "", "", "", "", raw="r", code="A").lines() == ("A: r",)
    assert Change("t", "", "", "", "", code="A").lines() == () and Change("t", "", "", "", "").reason == ""
    assert len(Change("t", "", "", "", "", message="x\n" * 20).lines()) == 12


def test_the_last_day_of_the_group_is_asked_for(service: Service, cloud: Any) -> None:
    recent(service, cloud)
    from urllib.parse import unquote_plus

    asked = unquote_plus(service.requests[-1][1])
    begin, end = (datetime.strptime(part, "%Y-%m-%dT%H:%M:%SZ") for part in asked.split("'")[1:4:2])
    assert (end - begin).total_seconds() == 24 * 3600 and "resourceGroupName eq 'group'" in asked


# Metrics


def series(*points: tuple[str, Any], **dimensions: str) -> dict[str, Any]:
    return {
        "metadatavalues": [{"name": {"value": name}, "value": text} for name, text in dimensions.items()],
        "data": [{"timeStamp": at, "average": number} for at, number in points],
    }


def metric(service: Service, pattern: str, *found: dict[str, Any]) -> None:
    service.on("GET", pattern, Reply(200, {"value": [{"timeseries": list(found)}]}))


def test_requests_since_a_moment_without_those_with_a_wrong_key(service: Service, cloud: Any) -> None:
    metric(service, "RequestsPerMinute", series(("t", 3), ("u", 1), statusCode="200"),
           series(("t", 2), ("u", None), statuscode="500"), series(("t", 1), statusCode="424"),
           series(("t", 50), statusCode="401"), series(("t", 50), statusCode="403"))  # fmt: skip
    metric(service, "RequestLatency_P95", series(("t", 120.0), ("u", 300.0)), series(("t", 90.0)))
    found = metrics.since(cloud, ENDPOINT, "blue", time.time())
    assert found == metrics.Measured(7, 3, 300.0)
    metric(service, "RequestLatency_P95")
    assert metrics.since(cloud, ENDPOINT, "blue", time.time()) == metrics.Measured(7, 3, None)
    service.on("GET", "RequestLatency_P95", Reply(500, {}))
    before = service.count("GET", "RequestLatency_P95")
    assert metrics.since(cloud, ENDPOINT, "blue", time.time()) is None
    assert service.count("GET", "RequestLatency_P95") == before + 1, "not repeated: the next look comes soon"


def test_the_last_hour(service: Service, cloud: Any) -> None:
    metric(service, "metricnames")
    metric(service, "RequestsPerMinute",
           series(("2026-11-23T10:00:00Z", 1.234), ("2026-11-23T10:01:00Z", 0), ("short", 2),
                  deployment="blue", statusCode="200"),
           series(("2026-11-23T10:00:00Z", 0), deployment="green", statusCode="200"))  # fmt: skip
    metric(service, "RequestLatency_P50", series(("t", 10.26), ("u", 3), deployment="blue"), series(deployment="green"))
    metric(service, "deployments/blue.*CpuUtilization", series(("t", 55.55)))
    hour = metrics.last_hour(cloud, ENDPOINT, ["blue", "green"])
    (answers,) = hour.answers
    assert (answers.deployment, answers.status, answers.count) == ("blue", "200", 3.23)
    assert answers.minutes == (("2026-11-23T10:00Z", 1.234), ("short", 2.0))
    assert hour.latency == {"blue": {"p50_ms": 10.3}} and hour.load == {"blue": {"cpu_percent": 55.5}}
    assert hour.requests == 3.23 and hour.begin < hour.end
    begin, end = (
        datetime.strptime(one, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc) for one in (hour.begin, hour.end)
    )
    assert (end - begin).total_seconds() == 61 * 60
    service.on("GET", "CpuUtilization|Memory|Disk|Latency", Reply(403, {}))
    quiet = metrics.last_hour(cloud, ENDPOINT, ["blue"])
    assert (quiet.latency, quiet.load, quiet.requests) == ({}, {}, 3.23)


@pytest.mark.parametrize("body", [[], {}, {"value": None}, {"value": [{}]}, {"value": [{"timeseries": [{}]}]}])
def test_metrics_without_values(service: Service, cloud: Any, body: Any) -> None:
    service.on("GET", "metricnames", Reply(200, body))
    assert metrics.last_hour(cloud, ENDPOINT, ["blue"]).answers == []


# Log Analytics


@pytest.mark.parametrize(
    ("workspace", "log", "on"),
    [
        ("/w", {"category": "amlonlineendpointconsolelog", "enabled": True}, True),
        ("/w", {"categoryGroup": "allLogs", "enabled": True}, True),
        ("/w", {"categoryGroup": "audit", "enabled": True}, True),
        ("/w", {"categoryGroup": "allLogs", "enabled": False}, False),
        ("/w", {"category": "AmlOnlineEndpointTrafficLog", "enabled": True}, False),
        (None, {"categoryGroup": "allLogs", "enabled": True}, False),
    ],
)
def test_whether_the_console_log_is_kept(service: Service, cloud: Any, workspace: Any, log: Any, on: bool) -> None:
    setting = {"name": "s", "properties": {"workspaceId": workspace, "logs": [log, log]}}
    service.on("GET", "/diagnosticSettings", Reply(200, {"value": [setting, setting]}))
    found = log_analytics.diagnostics(cloud, ENDPOINT)
    assert found.on is on and len(found.workspaces) == (1 if workspace else 0) and found.settings == ("s", "s")


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({"tables": [{"columns": [{"name": "A"}, {"name": "B"}], "rows": [[1, None]]}]}, [{"A": "1", "B": ""}]),
        ({"Tables": [{"Columns": [{"ColumnName": "A"}], "Rows": [["x"]]}]}, [{"A": "x"}]),
        ({"tables": []}, []), ({"tables": [{}]}, []), ({}, []), ([], []),
    ],
)  # fmt: skip
def test_rows_of_a_query(service: Service, cloud: Any, body: Any, lines: list[dict[str, str]]) -> None:
    service.on("POST", "/logs/api/query", Reply(200, body))
    found = log_analytics.kept(cloud, "/logs", "Churn")
    assert found.lines == found.calls == found.events == lines
    queries = [json.loads(sent)["query"] for verb, _, sent, _ in service.requests if verb == "POST"]
    assert "top 100 " in queries[0] and "top 20 " in queries[1] and "top 20 " in queries[2]
    assert all("ago(24h)" in query and "/onlineendpoints/churn'" in query for query in queries)
    assert log_analytics.kept(cloud, "/logs", "a'b").lines == []
    assert len([1 for verb, *_ in service.requests if verb == "POST"]) == 3


# Workspace diagnostics


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"value": {"dnsResolutionResults": [{"code": "C", "level": "Error", "message": "m"}, "x"]}},
         [("C", "Error", "m", "DNS")]),
        ({"value": {"otherResults": [{}]}}, [("", "Warning", "", "other topics")]),
        ({"value": {"unknownResults": [{}], "keyVaultResults": None}}, []),
        ({"value": None}, []), ({}, []), ([], []),
    ],
)  # fmt: skip
def test_problems_that_azure_found(service: Service, cloud: Any, body: Any, found: Any) -> None:
    service.on("POST", "/diagnose", Reply(202, None, {"Location": f"{service.url}/operations/1"}))
    service.on("GET", "^/operations/1", Reply(202, None, {"Retry-After": "0"}), Reply(200, body))
    told = diagnose.diagnose(cloud)
    assert [(one.code, one.level, one.message, one.about) for one in told] == found


def test_a_stop_ends_the_waiting_for_the_diagnostics(service: Service, cloud: Any) -> None:
    service.on("POST", "/diagnose", Reply(202, None, {"Location": f"{service.url}/operations/1"}))
    service.on("GET", "^/operations/1", Reply(202, None))
    with pytest.raises(TimeoutError):
        diagnose.diagnose(cloud, lambda: True)
    service.on("POST", "/diagnose", Reply(403, {}))
    with pytest.raises(CloudError):
        diagnose.diagnose(cloud)
