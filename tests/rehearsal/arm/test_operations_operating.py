"""What an operator reads of an endpoint beside its own resources: who changed it, how it answered, where logs go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import requests
from arm_client import Arm

from tests.published_interfaces import SETTING
from tui.cloud.endpoints import scaling
from tui.plan.model import Plan, Workspace
from tui.rehearsal.arm.rights import change, forget
from tui.rehearsal.places import Home


def made(arm: Arm, name: str, settled: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {"authMode": "Key"}})
    return settled(f"onlineEndpoints/{name}")


def asked(arm: Arm, path: str, **query: str) -> requests.Response:
    url = arm.origin + (path if path.startswith("/") else f"{arm.workspace}/{path}")
    return arm.session.get(url, params={"api-version": "2015-04-01", **query}, timeout=60)


def test_who_changed_what(arm: Arm, name: str, settled: Callable[[str], dict[str, Any]]) -> None:
    endpoint = made(arm, name, settled)
    refused = arm.call("PUT", f"onlineEndpoints/{name}/deployments/blue", {"location": "eastus", "properties": {}})
    assert refused.status_code == 400
    since = (datetime.now(timezone.utc) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    path = f"{arm.workspace.partition('/resourceGroups')[0]}/providers/Microsoft.Insights/eventtypes/management/values"
    group = arm.env["AZURE_RESOURCE_GROUP"]
    chosen = f"eventTimestamp ge '{since}' and resourceGroupName eq '{group}'"
    events: list[dict[str, Any]] = []
    answer = asked(arm, path, **{"$filter": chosen}).json()
    while True:
        events += answer["value"]
        if "nextLink" not in answer:
            break
        answer = arm.session.get(answer["nextLink"], timeout=60).json()
    own = [event for event in events if event["resourceId"].lower().startswith(endpoint["id"].lower())]
    told = {(event["operationName"]["value"].partition("workspaces/")[2], event["status"]["value"]) for event in own}
    assert ("onlineEndpoints/write", "Succeeded") in told
    assert ("onlineEndpoints/deployments/write", "Failed") in told
    failed = next(event for event in own if event["status"]["value"] == "Failed")
    assert failed["caller"]
    assert refused.json()["error"]["message"][:40] in failed["properties"]["statusMessage"]
    later = (datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert asked(arm, path, **{"$filter": f"eventTimestamp ge '{later}'"}).json()["value"] == []
    assert asked(arm, path).status_code == 400, "a filter is required"
    # As the Azure CLI writes times.
    bare = f"eventTimestamp ge {since} and eventTimestamp le {later} and resourceGroupName eq '{group}'"
    assert {event["resourceGroupName"] for event in asked(arm, path, **{"$filter": bare}).json()["value"]} == {group}


def test_requests_are_counted(arm: Arm, name: str, settled: Callable[[str], dict[str, Any]]) -> None:
    uri = made(arm, name, settled)["properties"]["scoringUri"]
    key = arm.call("POST", f"onlineEndpoints/{name}/listKeys").json()["primaryKey"]
    for shown, status in (("wrong", 401), ("wrong", 401), (key, 404)):
        answer = arm.session.post(uri, json={}, headers={"Authorization": f"Bearer {shown}"}, timeout=60)
        assert answer.status_code == status
    now = datetime.now(timezone.utc)
    span = "/".join((now + timedelta(minutes=shift)).strftime("%Y-%m-%dT%H:%M:00Z") for shift in (-5, 1))
    metrics = f"onlineEndpoints/{name}/providers/Microsoft.Insights/metrics"
    query = {"metricnames": "RequestsPerMinute", "timespan": span, "interval": "PT1M", "aggregation": "Average"}
    value = asked(arm, metrics, **query, **{"$filter": "deployment eq '*' and statusCode eq '*'"}).json()["value"]
    counted = {
        next(item["value"] for item in series["metadatavalues"] if item["name"]["value"] == "statuscode"): sum(
            point.get("average", 0) for point in series["data"]
        )
        for series in value[0]["timeseries"]
    }
    assert counted == {"401": 2, "404": 1}
    (whole,) = asked(arm, metrics, **query).json()["value"][0]["timeseries"]
    assert sum(point.get("average", 0) for point in whole["data"]) == 3
    below = f"onlineEndpoints/{name}/deployments/blue/providers/Microsoft.Insights/metrics"
    assert (
        asked(arm, below, **{**query, "metricnames": "CpuUtilizationPercentage"}).json()["value"][0]["timeseries"] == []
    )
    assert asked(arm, metrics, **{**query, "metricnames": "Nonsense"}).status_code == 400


def test_settings_are_kept(
    arm: Arm, name: str, settled: Callable[[str], dict[str, Any]], rehearsal_home: dict[str, str]
) -> None:
    made(arm, name, settled)
    path = f"onlineEndpoints/{name}/providers/Microsoft.Insights/diagnosticSettings"
    assert asked(arm, path).json() == {"value": []}
    logs = [{"category": "AmlOnlineEndpointConsoleLog", "enabled": True}]
    setting = {"properties": {"workspaceId": "/subscriptions/s/x", "logs": logs}}
    assert arm.call("PUT", f"{path}/logs", setting).status_code == 403, "a data scientist may read them only"
    home = Home.of(rehearsal_home)
    change(home, roles=["contributor"])
    try:
        assert arm.call("PUT", f"{path}/logs", setting).status_code == 200
        gone = arm.call("PUT", f"onlineEndpoints/gone-{name}/providers/Microsoft.Insights/diagnosticSettings/x", {})
        assert gone.status_code == 404
    finally:
        forget(home)
    (kept,) = asked(arm, path).json()["value"]
    assert kept["properties"]["logs"] == logs


def test_autoscale_settings_of_client_and_rehearsal_are_as_published(
    arm: Arm, rehearsal_home: dict[str, str], tmp_path: Path
) -> None:
    group = arm.workspace.partition("/providers/")[0]
    settings = f"{group}/providers/Microsoft.Insights/autoscaleSettings"
    endpoint = f"{arm.workspace}/onlineEndpoints/scaled"
    profile = {"name": "p", "rules": [], "capacity": {"minimum": "2", "maximum": "5", "default": "3"}}
    body = {
        "location": "eastus",
        "properties": {"profiles": [profile], "targetResourceUri": f"{endpoint}/deployments/blue"},
    }
    jsonschema.validate(body, SETTING)

    def put(content: dict[str, Any]) -> int:
        url = f"{arm.origin}{settings}/by-load"
        return arm.session.put(url, params={"api-version": scaling.AUTOSCALE}, json=content, timeout=60).status_code

    home = Home.of(rehearsal_home)
    try:
        change(home, roles=["reader", "data-scientist"])
        assert put(body) == 403, "a data scientist may not write them"
        change(home, roles=["contributor"])
        metric = {
            "metricName": "CpuUtilizationPercentage",
            "metricResourceUri": endpoint,
            "timeGrain": "PT1M",
            "statistic": "Average",
            "timeAggregation": "Average",
            "operator": "GreaterThan",
            "threshold": 70,
        }
        action = {"direction": "Increase", "type": "ChangeCount", "value": "1", "cooldown": "PT5M"}
        rule = {"metricTrigger": {**metric, "timeWindow": "PT5M"}, "scaleAction": action}
        profile["rules"] = [rule] * 10
        jsonschema.validate(body, SETTING)
        date = {"start": "2026-12-24T00:00:00Z", "end": "2026-12-26T00:00:00Z"}
        schedule = {"timeZone": "UTC", "days": ["Monday"], "hours": [6], "minutes": [0]}
        wrong = [
            [], [{"name": "p"}], [profile] * 21, [{**profile, "rules": [rule] * 11}],
            [{**profile, "rules": [{**rule, "metricTrigger": metric}]}],
            [{**profile, "rules": [{**rule, "metricTrigger": {**metric, "timeWindow": "PT4M"}}]}],
            [{**profile, "rules": [{**rule, "metricTrigger": {**metric, "timeWindow": "PT5M", "operator": ">"}}]}],
            [{**profile, "rules": [{**rule, "scaleAction": {**action, "cooldown": "PT59S"}}]}],
            [{**profile, "capacity": {"minimum": "3", "maximum": "5", "default": "2"}}],
            [{**profile, "fixedDate": {"start": date["start"]}}],
            [{**profile, "recurrence": {"frequency": "Day", "schedule": schedule}}],
        ]  # fmt: skip
        refused = [put({**body, "properties": {"profiles": profiles}}) for profiles in wrong]
        assert refused == [400] * len(wrong), refused
        timed = [{**profile, "fixedDate": date}, {**profile, "recurrence": {"frequency": "Week", "schedule": schedule}}]
        body["properties"]["profiles"] += timed  # type: ignore[index]
        assert (put(body), put(body)) == (201, 200)
        listed = asked(arm, settings).json()
        url = f"{arm.origin}{settings}/by-load"
        gone = [arm.session.delete(url, params={"api-version": "2022-10-01"}, timeout=60).status_code for _ in "12"]
        assert gone == [200, 204]
    finally:
        forget(home)
    (found,) = listed["value"]
    jsonschema.validate(found, SETTING)
    reader = SimpleNamespace(items=lambda *_, **__: iter(listed["value"]))
    cloud = SimpleNamespace(arm=reader, plan=Plan(workspace=Workspace("s", "rg", "ws")))
    assert scaling.autoscale(cloud, endpoint) == [scaling.Autoscale("by-load", "blue", True, 2, 5)]  # type: ignore[arg-type]
