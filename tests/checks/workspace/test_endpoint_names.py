"""An existing endpoint of the plan's name: what can be changed, what blocks, and whose traffic moves."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_deployment, a_workspace, an_endpoint, told

from tui.checks.workspace import endpoint_names, workspace
from tui.cloud.endpoints.endpoint_names import NameInRegion

FINE = {"endpoint": "ok"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, FINE),
        ({"provisioning_state": "Deleting"}, {"endpoint-busy": "blocker"}),
        ({"provisioning_state": "Updating"}, {"endpoint-busy": "warning"}),
        ({"provisioning_state": "Failed"}, {"endpoint-failed": "warning"}),
        ({"tags": {}}, {"endpoint-others": "warning"}),
        ({"tags": {"owner": "them"}}, {"endpoint-others": "warning"}),
        ({"kind": "K8S"}, {"endpoint-kind": "blocker"}),
        ({"kind": "Managed"}, FINE),
        ({"kind": None}, FINE),
        ({"auth_mode": "aml_token"}, {"endpoint-auth-mode": "blocker"}),
        ({"auth_mode": ""}, FINE),  # not reported
        ({"traffic": {}}, FINE),
        ({"traffic": {"blue": 0}}, FINE),
        ({"traffic": {"blue": 100, "green": 0}}, FINE),
        ({"traffic": {"blue": 90, "green": 10}}, {"traffic": "warning"}),
        ({"deployments": [], "traffic": {}}, FINE),
    ],
)
def test_an_endpoint_that_exists(make_plan: MakePlan, changes: dict[str, Any], expected: dict[str, str]) -> None:
    plan = make_plan()
    there = an_endpoint(**{"public_network_access": plan.endpoint.public_network_access, **changes})
    assert told(endpoint_names.check(plan, there, a_workspace("managed_network"))) == expected


@pytest.mark.parametrize("opened", [True, False])
def test_a_change_of_access_says_which_way_it_goes(make_plan: MakePlan, opened: bool) -> None:
    plan = make_plan()
    now, then = ("disabled", "enabled") if opened else ("enabled", "disabled")
    plan = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, public_network_access=then))
    (found,) = endpoint_names.check(plan, an_endpoint(public_network_access=now), a_workspace("managed_network"))
    assert (found.id, found.severity) == ("endpoint-access", "warning")
    assert ("internet" in found.message) is opened


@pytest.mark.parametrize(
    ("mode", "changes", "wanted", "expected"),
    [
        ("legacy", {}, None, {}),
        ("legacy", {}, "enabled", {}),  # the default of both
        ("legacy", {}, "disabled", {"deployment-egress": "blocker"}),
        ("legacy", {"egress_public_network_access": "disabled"}, None, {"deployment-egress": "blocker"}),
        ("legacy", {"egress_public_network_access": "disabled"}, "disabled", {}),
        ("legacy", {"name": "green"}, "disabled", {}),
        ("managed_network", {}, "disabled", {}),
        ("legacy", {"provisioning_state": "Deleting"}, None, {"deployment-busy": "blocker"}),
        ("legacy", {"provisioning_state": "Scaling"}, None, {"deployment-busy": "warning"}),
        ("legacy", {"provisioning_state": "Deleting", "name": "BLUE"}, None, {"deployment-busy": "blocker"}),
        ("legacy", {"provisioning_state": "Deleting", "name": "green"}, None, {}),
    ],
)
def test_a_deployment_that_exists(
    make_plan: MakePlan, mode: str, changes: dict[str, Any], wanted: str | None, expected: dict[str, str]
) -> None:
    plan = make_plan(egress=wanted)
    access = plan.endpoint.public_network_access
    there = an_endpoint(deployments=[a_deployment(**changes)], public_network_access=access)
    assert told(endpoint_names.check(plan, there, a_workspace(mode))) == (expected or FINE)


@pytest.mark.parametrize(
    ("traffic", "deployments", "expected"),
    [
        ({"BLUE": 100}, [], FINE),
        ({"blue": 90, "green": 10}, [], {"traffic": "blocker", "endpoint": "ok"}),
        ({"blue": 100, "green": 0}, [], FINE),
    ],
)
def test_traffic_of_a_new_endpoint(
    make_plan: MakePlan, traffic: dict[str, int], deployments: list[str], expected: dict[str, str]
) -> None:
    assert told(endpoint_names.check(make_plan(traffic=traffic), None, a_workspace())) == expected


def test_traffic_for_another_deployment_that_exists(make_plan: MakePlan) -> None:
    plan = make_plan(traffic={"blue": 90, "green": 10})
    there = an_endpoint(
        deployments=[a_deployment(name="Green")],
        traffic={"blue": 90, "green": 10},
        public_network_access=plan.endpoint.public_network_access,
    )
    assert told(endpoint_names.check(plan, there, a_workspace())) == FINE


@pytest.mark.parametrize(
    ("asked", "said", "not_said"),
    [(None, "yet", "other workspace"), (0, "yet", "other workspace"), (1, "does not have", "do not"),
     (2, "do not have", "does not")],
)  # fmt: skip
def test_how_many_other_workspaces_do_not_have_the_name(
    make_plan: MakePlan, asked: int | None, said: str, not_said: str
) -> None:
    (found,) = endpoint_names.check(make_plan(), None, a_workspace(), asked)
    assert said in found.message and not_said not in found.message


def test_a_suggested_name_is_at_most_as_long_as_azure_allows(make_plan: MakePlan) -> None:
    plan = make_plan()
    plan = dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, name="n" * 32))
    (found,) = endpoint_names.taken(plan, NameInRegion("n", "eastus2", "taken", "other", "g", "/id"), a_workspace())
    assert f"{'n' * 29}-02" in found.remedy and "n" * 30 not in found.remedy
    assert endpoint_names.taken(plan, NameInRegion("n", "eastus2", "yours"), a_workspace()) == []


@pytest.mark.parametrize(
    ("state", "severity"), [(None, "ok"), ("Succeeded", "ok"), ("succeeded", "ok"), ("Updating", "warning")]
)
def test_the_state_of_a_workspace(state: str | None, severity: str) -> None:
    assert workspace.there(a_workspace(provisioning_state=state)).severity == severity


@pytest.mark.parametrize(
    ("resource", "group"),
    [("/subscriptions/s/resourceGroups/rg/providers/x", "rg"), ("/subscriptions/s/resourceGroups/rg", "GROUP"),
     ("", "GROUP")],
)  # fmt: skip
def test_the_group_in_a_resource_id(resource: str, group: str) -> None:
    assert workspace.group_of(resource) == group
