"""Lists of what can be chosen: pages, order, details, and the reason where nothing can be listed."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.assets import base_images
from tui.cloud.endpoints import endpoint_names
from tui.cloud.errors import CloudError
from tui.cloud.workspace import listing
from tui.plan.model import Workspace

ROOT = f"{WORKSPACE.id}/"
REFUSED = Reply(403, {"error": {"code": "AuthorizationFailed", "message": "does not have authorization to perform"}})


def workspace_body(name: str, group: str = "group", **properties: Any) -> dict[str, Any]:
    identifier = Workspace(WORKSPACE.subscription_id, group, name).id
    return {"id": identifier, "name": name, "location": "East US", "properties": properties}


def test_every_page_is_read_and_items_are_named(cloud: Any, service: Service) -> None:
    first = {"subscriptionId": "1", "displayName": "Production", "state": "Enabled"}
    second = {"subscriptionId": "2", "displayName": "Old", "state": "Warned"}
    service.on("GET", r"^/subscriptions\?.*page=2", Reply(body={"value": [second]}))
    service.on("GET", r"^/subscriptions\?api-version=2022-12-01$",
               Reply(body={"value": [first], "nextLink": f"{service.url}/subscriptions?page=2"}))  # fmt: skip
    found = listing.subscriptions(cloud)
    assert [(item.value, item.label, item.detail) for item in found.items] == [
        ("1", "Production", "1"),
        ("2", "Old", "2, warned"),
    ]
    assert found.reason == ""


def test_no_list_is_longer_than_a_thousand_and_says_so(cloud: Any, service: Service) -> None:
    groups = [{"name": f"rg-{number}", "location": "eastus"} for number in range(listing.MOST + 5)]
    service.on("GET", "/resourcegroups", Reply(body={"value": groups}))
    found = listing.resource_groups(cloud, WORKSPACE)
    assert len(found.items) == listing.MOST
    assert "the first 1000" in found.reason


@pytest.mark.parametrize("read", [listing.resource_groups, listing.endpoints, listing.registered_models])
def test_what_may_not_be_listed_is_a_reason_and_no_error(read: Any, cloud: Any, service: Service) -> None:
    service.on("GET", "/resourcegroups|/onlineEndpoints|/models", REFUSED)
    found = read(cloud, WORKSPACE)
    assert found.items == []
    assert "cannot be listed: this identity has no role that allows it." in found.reason


def test_a_call_from_outside_the_private_link_is_told_from_a_missing_role(cloud: Any, service: Service) -> None:
    message = "Public access is not allowed due to private link configuration"
    service.on("GET", "/onlineEndpoints", Reply(403, {"error": {"code": "Forbidden", "message": message}}))
    assert "over its private endpoint only" in listing.endpoints(cloud, WORKSPACE).reason


def test_an_empty_scope_costs_no_request(cloud: Any, service: Service) -> None:
    nothing = Workspace("", "", "")
    for read in (listing.resource_groups, listing.workspaces, listing.endpoints, listing.environments):
        found = read(cloud, nothing)
        assert found.items == [] and found.reason.startswith("Enter ")
    assert service.requests == [] or all("/subscriptions" not in path for _, path, *_ in service.requests)


def test_workspaces_of_the_group_come_first_and_decide_the_group(cloud: Any, service: Service) -> None:
    bodies = [
        workspace_body("far", "other", publicNetworkAccess="Enabled"),
        {**workspace_body("near", publicNetworkAccess="Disabled"), "kind": "Hub"},
    ]
    service.on("GET", rf"^/subscriptions/{WORKSPACE.subscription_id}/providers/.*/workspaces\?",
               Reply(body={"value": bodies}))  # fmt: skip
    near, far = listing.workspaces(cloud, WORKSPACE).items
    assert (near.value, near.sets) == ("near", {"workspace.resource_group": "group"})
    assert "closed to public networks" in near.detail and "kind Hub" in near.detail
    assert (far.value, far.sets) == ("far", {"workspace.resource_group": "other"})


def test_who_may_list_one_group_only_gets_its_workspaces(cloud: Any, service: Service) -> None:
    service.on("GET", rf"^/subscriptions/{WORKSPACE.subscription_id}/providers/.*/workspaces\?", REFUSED)
    service.on("GET", r"/resourceGroups/group/providers/[^/]+/workspaces\?",
               Reply(body={"value": [workspace_body("near")]}))  # fmt: skip
    assert [item.value for item in listing.workspaces(cloud, WORKSPACE).items] == ["near"]


def test_endpoints_tell_state_traffic_and_every_deployment(cloud: Any, service: Service) -> None:
    endpoint = {
        "name": "churn",
        "properties": {"provisioningState": "Succeeded", "authMode": "AMLToken", "traffic": {"blue": 90, "green": 10}},
    }
    service.on("GET", r"/onlineEndpoints\?", Reply(body={"value": [endpoint, {"name": "empty", "properties": {}}]}))
    three = {"value": [{"name": name} for name in ("blue", "green", "red")]}
    service.on("GET", "/onlineEndpoints/churn/deployments", Reply(body=three))
    service.on("GET", "/onlineEndpoints/empty/deployments", REFUSED)
    churn, empty = listing.endpoints(cloud, WORKSPACE).items
    assert churn.detail == "succeeded; aml_token; blue 90 %, green 10 %, red 0 %"
    assert churn.sets == {"endpoint.auth_mode": "aml_token"}
    assert empty.detail.endswith("no traffic"), "what may not be looked into is not called empty"


def test_a_free_deployment_name_comes_before_those_that_are_there(cloud: Any, service: Service) -> None:
    there = {"name": "blue", "sku": {"capacity": 2},
             "properties": {"provisioningState": "Succeeded", "instanceType": "Standard_DS3_v2"}}  # fmt: skip
    service.on(
        "GET", r"/onlineEndpoints/churn\?", Reply(body={"name": "churn", "properties": {"traffic": {"blue": 100}}})
    )
    service.on("GET", "/onlineEndpoints/churn/deployments", Reply(body={"value": [there]}))
    free, blue = listing.deployments(cloud, WORKSPACE, "churn").items
    assert free.value == "green"
    assert "2 × Standard_DS3_v2" in blue.detail and "100 % of traffic" in blue.detail
    assert listing.free_name(["blue", "GREEN"]) == "blue-2"


def test_versions_are_ordered_as_numbers(cloud: Any, service: Service) -> None:
    versions = [{"name": name, "properties": {"modelType": "mlflow_model"}} for name in ("2", "10", "9", "test")]
    service.on("GET", "/models/churn/versions", Reply(body={"value": versions}))
    found = listing.model_versions(cloud, WORKSPACE, "churn").items
    assert [item.value for item in found] == [f"azureml:churn:{number}" for number in ("10", "9", "2", "test")]
    assert found[0].detail == "mlflow model"


def test_environments_are_listed_with_their_versions(cloud: Any, service: Service) -> None:
    containers = [{"name": "env-a", "properties": {"latestVersion": "2"}}, {"name": "env-b", "properties": {}}]
    service.on("GET", r"/environments\?", Reply(body={"value": containers}))
    bodies = [{"name": str(number), "properties": {"image": "mcr.microsoft.com/azureml/x:1", "condaFile": "{}"},
               "systemData": {"createdAt": f"2026-01-0{number}T00:00:00Z"}} for number in (1, 2)]  # fmt: skip
    service.on("GET", "/environments/env-a/versions", Reply(body={"value": bodies}))
    service.on("GET", "/environments/env-b/versions", REFUSED)
    found = listing.environments(cloud, WORKSPACE).items
    assert [item.value for item in found] == ["azureml:env-a:2", "azureml:env-a:1", "azureml:env-b@latest"]
    assert found[0].detail == "created on 2026-01-02; x:1; with a conda file"


# Names in the region


def names(cloud: Any, service: Service, *others: dict[str, Any]) -> endpoint_names.NameInRegion:
    service.on("GET", rf"^/subscriptions/{WORKSPACE.subscription_id}/providers/.*/workspaces\?",
               Reply(body={"value": [workspace_body("workspace"), *others]}))  # fmt: skip
    return endpoint_names.look(cloud, "churn")


def test_a_name_that_another_workspace_of_the_region_has_is_taken(cloud: Any, service: Service) -> None:
    service.on("GET", "/workspaces/theirs/onlineEndpoints/churn", Reply(body={"name": "churn"}))
    found = names(cloud, service, workspace_body("mine"), workspace_body("theirs", "their-group"))
    assert (found.state, found.workspace, found.resource_group) == ("taken", "theirs", "their-group")


def test_a_workspace_of_another_region_is_not_asked_and_a_silent_one_is_counted(cloud: Any, service: Service) -> None:
    service.on("GET", "/workspaces/shut/onlineEndpoints/churn", REFUSED)
    far = {**workspace_body("far"), "location": "westeurope"}
    found = names(cloud, service, workspace_body("mine"), workspace_body("shut"), far)
    assert (found.state, found.asked, found.silent) == ("unseen", 1, 1)
    assert service.count("GET", "/workspaces/far/") == 0


def test_an_endpoint_of_the_workspace_itself_is_yours(cloud: Any, service: Service) -> None:
    service.on("GET", "/workspaces/workspace/onlineEndpoints/churn", Reply(body={"name": "churn"}))
    assert names(cloud, service, workspace_body("other")).state == "yours"


def test_where_the_other_workspaces_may_not_be_listed_the_reason_is_told(cloud: Any, service: Service) -> None:
    service.on("GET", rf"^/subscriptions/{WORKSPACE.subscription_id}/providers/.*/workspaces\?", REFUSED)
    found = endpoint_names.look(cloud, "churn")
    assert found.state == "unseen" and "no role" in found.reason


# Images


def test_the_newest_dated_tags_come_first() -> None:
    tags = ["latest", "20260101.v1", "20251231.v9", "20260514.v2", "20260514.v10", "20260514.v1.post"]
    assert base_images.newest_tags(tags) == ["20260514.v10", "20260514.v2", "20260101.v1"]


def test_a_cloud_of_its_own_has_the_table_and_asks_nobody(cloud: Any, service: Service) -> None:
    found = base_images.curated_images(cloud)
    assert found.items and all(item.value.startswith("mcr.microsoft.com/azureml/") for item in found.items)
    assert "2026-03-16" in found.items[0].detail, "the table's date and source are shown"
    assert found.reason
    assert base_images.curated_environments(cloud).items == []
    assert "registry azureml" in base_images.curated_environments(cloud).reason


def registry_at(cloud: Any, service: Service, place: str) -> Any:
    """A connection to a cloud that has the registry azureml, which is found at `place`."""
    cloud.metadata = dataclasses.replace(cloud.metadata, built_in=True, registry_discovery=f"{service.url}/")
    found = {"primaryRegionResourceProviderUri": place, "subscriptionId": "s", "resourceGroup": "g"}
    service.on("GET", "/registrymanagement/v1.0/registries/azureml/discovery", Reply(body=found))
    return cloud


def test_curated_environments_come_from_the_registry_that_discovery_names(cloud: Any, service: Service) -> None:
    body = {"name": "sklearn-1.5", "properties": {"latestVersion": "7"}}
    path = "^/mferp/managementfrontend/subscriptions/s/resourceGroups/g/.*/registries/azureml/environments"
    service.on("GET", path, Reply(body={"value": [body, {"name": "empty", "properties": {}}]}))
    found = base_images.curated_environments(registry_at(cloud, service, f"{service.url}/"))
    assert [item.value for item in found.items] == [
        "azureml://registries/azureml/environments/sklearn-1.5/versions/7"
    ], found.reason


def test_the_token_goes_to_no_other_host_than_the_service_s(cloud: Any, service: Service) -> None:
    found = base_images.curated_environments(registry_at(cloud, service, "https://elsewhere.example/"))
    assert found.items == []
    assert "returned no address" in found.reason


def test_a_missing_group_is_said_in_a_sentence() -> None:
    error = CloudError("The resource group was not found", status=404, code="ResourceGroupNotFound")
    assert listing.why_not("The workspaces", error) == (
        "The workspaces cannot be listed: the resource group was not found."
    )
