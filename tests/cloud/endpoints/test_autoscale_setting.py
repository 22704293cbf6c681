"""Autoscale settings as they are written, changed and removed, against a service that answers as published."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

import tui
from tests.published_interfaces import check_request
from tui.cloud.endpoints import deployments, scaling
from tui.cloud.endpoints.deployments import MADE_TAG
from tui.cloud.errors import CloudError
from tui.plan.autoscale import Autoscale, ScaleRule
from tui.plan.autoscale_settings import read
from tui.plan.model import Deployment

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
TAGS = {MADE_TAG: "1", "aml-deploy-run": "r-2"}
WANTED = Autoscale(1, 3, (ScaleRule("CpuUtilizationPercentage", ">", 70, "avg", 300.0, "out", 1),))
BLUE = Deployment("blue", autoscale=WANTED)
SETTINGS = "/autoscaleSettings"


def setting(name: str = "by-load", deployment: str = "blue", **more: Any) -> dict[str, Any]:
    profile = {"name": "p", "rules": [], "capacity": {"minimum": "2", "maximum": "5", "default": "2"}}
    properties = {"enabled": True, "targetResourceUri": f"{ENDPOINT}/deployments/{deployment}", "profiles": [profile]}
    return {"name": name, "location": "westeurope", "properties": {**properties, **more.pop("properties", {})}, **more}


def sent(service: Service, verb: str) -> list[tuple[str, Any]]:
    """The paths and bodies of these requests for settings, all as published."""
    found = []
    for method, path, body, headers in service.requests:
        if method == verb and SETTINGS in path:
            check_request(f"autoscale setting {verb}", verb, f"{service.url}{path}", headers, body)
            found.append((path.partition("?")[0], json.loads(body or b"null")))
    return found


@pytest.mark.parametrize("there", [None, setting(), setting("odd name", tags={"a": "b"}), setting(tags=TAGS)])
def test_what_is_put_is_as_published_and_is_what_the_plan_says(service: Service, cloud: Any, there: Any) -> None:
    service.on("GET", SETTINGS, Reply(body={"value": [there] if there else []}))
    service.on("PUT", SETTINGS, Reply(body={}))
    found = scaling.of_deployment(cloud, ENDPOINT, "BLUE")
    body = scaling.wanted_setting(ENDPOINT, BLUE, found, "eastus", TAGS)
    assert body is not None
    scaling.put(cloud, body)
    ((path, put),) = sent(service, "PUT")
    name = there["name"] if there else "autoscale-churn-blue"
    assert path.endswith(
        f"/resourceGroups/group/providers/Microsoft.Insights/autoscaleSettings/{name}".replace(" ", "%20")
    )
    assert (put["location"], put["properties"]["name"]) == ("westeurope" if there else "eastus", name)
    assert put["properties"]["targetResourceUri"] == f"{ENDPOINT}/deployments/blue"
    assert read(put)[0] == WANTED
    ours = there is None or MADE_TAG in there.get("tags", {})
    assert put["tags"] == (TAGS if ours else there.get("tags", {}))


def test_a_setting_that_matches_is_not_put_unless_it_is_off(cloud: Any, service: Service) -> None:
    body = scaling.wanted_setting(ENDPOINT, BLUE, None, "eastus", TAGS)
    assert body is not None
    for enabled, same in ((True, True), (False, False)):
        there = {**body, "name": "s", "properties": {**body["properties"], "enabled": enabled}}
        service.on("GET", SETTINGS, Reply(body={"value": [there]}))
        found = scaling.of_deployment(cloud, ENDPOINT, "blue")
        again = scaling.wanted_setting(ENDPOINT, BLUE, found, "eastus", TAGS)
        assert (again is None) is same
        assert again is None or again["properties"]["enabled"] is True


def test_notifications_of_somebody_are_kept(cloud: Any, service: Service) -> None:
    more = {"notifications": [{"operation": "Scale"}], "predictiveAutoscalePolicy": {"scaleMode": "ForecastOnly"}}
    service.on("GET", SETTINGS, Reply(body={"value": [setting(properties=more)]}))
    body = scaling.wanted_setting(ENDPOINT, BLUE, scaling.of_deployment(cloud, ENDPOINT, "blue"), "eastus", TAGS)
    assert body is not None
    assert {key: body["properties"].get(key) for key in more} == more


def test_the_limits_are_those_of_all_times(cloud: Any, service: Service) -> None:
    profiles = [{"capacity": {"minimum": low, "maximum": high}} for low, high in (("2", "4"), ("1", "1"), ("3", "8"))]
    service.on("GET", SETTINGS, Reply(body={"value": [setting(properties={"profiles": profiles})]}))
    (found,) = scaling.autoscale(cloud, ENDPOINT)
    assert (found.minimum, found.maximum) == (1, 8)
    assert found.as_dict() == {"name": "by-load", "deployment": "blue", "enabled": True, "minimum": 1, "maximum": 8}


@pytest.mark.parametrize(
    ("tags", "planned", "active"), [(TAGS, True, True), (TAGS, False, False), ({}, False, True), ({}, True, True)]
)
def test_rules_that_end_with_the_next_run_keep_no_count(
    service: Service, cloud: Any, tags: dict[str, str], planned: bool, active: bool
) -> None:
    service.on("GET", SETTINGS, Reply(body={"value": [setting(tags=tags)]}))
    plan = replace(cloud.plan, deployment=BLUE if planned else Deployment("blue"))
    there = deployments.info({"name": "blue", "id": f"{ENDPOINT}/deployments/blue"})
    (found,) = scaling.with_rules(cloud, ENDPOINT, [there], plan)
    assert (found.autoscale is not None) is active
    assert found.autoscale_setting == setting(tags=tags)


def test_who_may_not_set_rules_is_told_the_role_and_the_scope(service: Service, cloud: Any) -> None:
    group = f"/subscriptions/{WORKSPACE.subscription_id}/resourceGroups/group"
    scope = f"{group}/providers/microsoft.insights/autoscalesettings/autoscale-churn-blue"
    message = (
        "The client 'c' with object id 'o' does not have authorization to perform action "
        f"'microsoft.insights/autoscalesettings/write' over scope '{scope}' or the scope is invalid."
    )
    error = {"error": {"code": "AuthorizationFailed", "message": message}}
    service.on("PUT", SETTINGS, Reply(403, error))
    body = scaling.wanted_setting(ENDPOINT, BLUE, None, "eastus", TAGS)
    with pytest.raises(CloudError) as raised:
        scaling.put(cloud, body or {})
    assert raised.value.code == "AuthorizationFailed"
    assert f"--role Contributor --scope {group}" in raised.value.remedy.replace(f"{group}/", "")
    assert "autoscalesettings/autoscale" not in raised.value.remedy, "a role on the setting does not create it"


def test_only_what_this_program_made_goes_and_what_stays_is_said(service: Service, cloud: Any) -> None:
    all_of_them = [setting("ours", tags=TAGS), setting("by-hand", "green"), setting("stuck", "red", tags=TAGS)]
    service.on("GET", SETTINGS, Reply(body={"value": [*all_of_them, setting("of-another", "grey", tags=TAGS)]}))
    service.on("DELETE", SETTINGS, Reply(200))
    service.on("DELETE", f"{SETTINGS}/stuck", Reply(403, {"error": {"code": "AuthorizationFailed", "message": "No."}}))
    removed, kept = scaling.remove(cloud, ENDPOINT, lambda rule: rule.deployment != "grey")
    assert list(map(str, removed)) == ["autoscale setting ours"]
    assert kept[0] == "autoscale setting by-hand of green, which this program did not create"
    assert kept[1].startswith("autoscale setting stuck of red, not removed: ")
    assert [path.rpartition("/")[2] for path, _ in sent(service, "DELETE")] == ["ours", "stuck"]


@pytest.mark.parametrize(("status", "told"), [(403, True), (404, False)])
def test_settings_that_cannot_be_read_keep_nothing_from_being_removed(
    service: Service, cloud: Any, status: int, told: bool
) -> None:
    service.on("GET", SETTINGS, Reply(status, {"error": {"code": "X", "message": "No."}}))
    removed, kept = scaling.remove(cloud, ENDPOINT, lambda rule: True)
    assert (removed, bool(kept)) == ([], told)


def test_wherever_a_deployment_is_removed_its_setting_goes_first() -> None:
    for path in Path(tui.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)):
            called = [
                f"{one.func.value.id}.{one.func.attr}"
                for one in ast.walk(function)
                if isinstance(one, ast.Call)
                and isinstance(one.func, ast.Attribute)
                and isinstance(one.func.value, ast.Name)
            ]
            if {"deployments.begin_delete", "endpoints.begin_delete"} & set(called):
                assert "scaling.remove" in called, f"{path}: {function.name}"
