"""Workspaces, networks, datastores, capacity and what is around them, driven by both of Microsoft's clients."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm
from operations import GROUP, OTHER_GROUP, WORKSPACE, empty


def test_workspaces_with_the_management_client(mgmt: Any) -> None:
    found = mgmt.workspaces.get(GROUP, WORKSPACE)
    # What is empty has no value here: no encryption of one's own, no notebooks, no shared private links.
    assert empty(found) <= {
        "count", "encryption", "feature_store_settings", "notebook_info", "primary_user_assigned_identity",
        "service_managed_resources_settings", "service_provisioned_resource_group", "shared_private_link_resources",
        "private_endpoint_connections.tags", "private_endpoint_connections.sku",
        "private_endpoint_connections.identity", "private_endpoint_connections.system_data",
        "identity.user_assigned_identities", "sku.size", "sku.family", "sku.capacity",
        "managed_network.network_id", "scheduled_purge_date", "serve_as_a_shared_workspace",
    }, empty(found)  # fmt: skip
    assert found.image_build_compute == "image-builder"
    assert found.public_network_access == "Disabled"
    assert found.private_endpoint_connections[0].private_link_service_connection_state.status == "Approved"
    assert WORKSPACE in [item.name for item in mgmt.workspaces.list_by_resource_group(GROUP)]
    assert WORKSPACE in [item.name for item in mgmt.workspaces.list_by_subscription()]


def test_workspaces_with_the_sdk(ml_client: Any) -> None:
    from azure.ai.ml.constants import Scope

    found = ml_client.workspaces.get(WORKSPACE)
    assert (found.public_network_access, found.image_build_compute) == ("Disabled", "image-builder")
    assert found.managed_network.isolation_mode.value == "AllowInternetOutbound"
    assert found.managed_network.status.status == "Active"
    assert {item.name for item in ml_client.workspaces.list()} >= {WORKSPACE, "closed-legacy-isolation"}
    assert WORKSPACE in {item.name for item in ml_client.workspaces.list(scope=Scope.SUBSCRIPTION)}
    assert list(ml_client.workspace_outbound_rules.list(WORKSPACE)) == []


def test_private_links(mgmt: Any) -> None:
    connection = next(iter(mgmt.private_endpoint_connections.list(GROUP, WORKSPACE)))
    assert mgmt.private_endpoint_connections.get(GROUP, WORKSPACE, connection.name).id == connection.id
    assert connection.private_endpoint.id
    link = mgmt.private_link_resources.list(GROUP, WORKSPACE).value[0]
    assert link.group_id == "amlworkspace"
    assert "privatelink.api.azureml.ms" in link.required_zone_names


def test_a_managed_virtual_network_is_provisioned(ml_client: Any, arm: Arm, rehearse: Callable[..., str]) -> None:
    from azure.ai.ml import MLClient

    rehearse("env", "--workspace", ml_client.subscription_id, OTHER_GROUP, "not-ready", "--unprovisioned")
    own = MLClient(ml_client._credential, ml_client.subscription_id, OTHER_GROUP, "not-ready")
    assert own.workspaces.get("not-ready").managed_network.status.status == "Inactive"
    poller = own.workspaces.begin_provision_network(workspace_name="not-ready", polling_interval=0.1)
    assert poller.result().status.value == "Active"
    assert own.workspaces.get("not-ready").managed_network.status.status == "Active"
    legacy = arm.workspace.replace(WORKSPACE, "closed-legacy-isolation")
    assert arm.call("POST", f"{legacy}/provisionManagedNetwork").json()["error"]["code"] == "UserError"


def test_outbound_rules_of_a_managed_virtual_network(
    ml_client: Any, mgmt: Any, arm: Arm, rehearse: Callable[..., str]
) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import (
        FqdnDestination,
        ManagedNetwork,
        PrivateEndpointDestination,
        ServiceTagDestination,
        Workspace,
    )
    from azure.core.exceptions import HttpResponseError

    rehearse("env", "--workspace", ml_client.subscription_id, OTHER_GROUP, "approved-only")
    own = MLClient(ml_client._credential, ml_client.subscription_id, OTHER_GROUP, "approved-only")
    network = ManagedNetwork(
        isolation_mode="AllowOnlyApprovedOutbound",
        outbound_rules=[
            FqdnDestination(name="pypi", destination="pypi.org"),
            ServiceTagDestination(name="tag", service_tag="DataFactory", protocol="TCP", port_ranges="80, 8080-8089"),
            PrivateEndpointDestination(
                name="store", service_resource_id="/subscriptions/x", subresource_target="blob", spark_enabled=True
            ),
        ],
    )
    with pytest.raises(HttpResponseError, match="workspaces/write"):
        own.workspaces.begin_update(Workspace(name="approved-only", managed_network=network))
    rehearse("rights", "--identity", "managed-identity", "--role", "contributor")
    try:
        changed = own.workspaces.begin_update(Workspace(name="approved-only", managed_network=network)).result()
        assert changed.managed_network.isolation_mode.value == "AllowOnlyApprovedOutbound"
        rules = own.workspace_outbound_rules
        added = rules.begin_create("approved-only", FqdnDestination(name="all", destination="*.example.org")).result()
        assert (added.destination, added.status, added.category) == ("*.example.org", "Active", "UserDefined")
        rules.begin_remove("approved-only", "pypi").result()
        assert sorted(rule.name for rule in rules.list("approved-only")) == ["all", "store", "tag"]
        assert rules.get("approved-only", "tag").port_ranges == "80, 8080-8089"
        assert rules.get("approved-only", "store").subresource_target == "blob"
        assert len(own.workspaces.get("approved-only").managed_network.outbound_rules) == 3
        with pytest.raises(HttpResponseError, match="host name"):
            rules.begin_create("approved-only", FqdnDestination(name="bad", destination="https://example.org"))
        below = arm.workspace.replace(WORKSPACE, "approved-only").replace(GROUP, OTHER_GROUP, 1)
        assert arm.call("DELETE", f"{below}/outboundRules/gone").status_code == 204
        assert arm.call("PUT", f"{below}/outboundRules/x", {"properties": {"type": "UDP"}}).status_code == 400
        for mode in ("Disabled", "Closed"):
            body = {"properties": {"managedNetwork": {"isolationMode": mode}}}
            assert arm.call("PATCH", below, body).status_code == 400

        url = below.replace("approved-only", "made-here")
        body = {"properties": {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}}}
        assert arm.call("PATCH", url, body).status_code == 404
        made = mgmt.workspaces.begin_create_or_update(OTHER_GROUP, "made-here", json.dumps(body).encode()).result()
        assert made.public_network_access == "Disabled"
        # Changed without a mode, it stays; a rule that is null goes.
        for rule, left in (({"type": "FQDN", "destination": "example.org"}, ["one"]), (None, [])):
            body = {"properties": {"managedNetwork": {"outboundRules": {"one": rule}}}}
            mgmt.workspaces.begin_update(OTHER_GROUP, "made-here", json.dumps(body).encode()).result()
            found = arm.call("GET", url).json()["properties"]["managedNetwork"]
            assert (found["isolationMode"], list(found["outboundRules"])) == ("AllowOnlyApprovedOutbound", left)
    finally:
        rehearse("rights", "--reset")


def test_a_public_workspace_has_no_private_endpoint(ml_client: Any, mgmt: Any, rehearse: Callable[..., str]) -> None:
    from azure.ai.ml import MLClient

    rehearse("env", "--workspace", ml_client.subscription_id, OTHER_GROUP, "public-one", "--isolation", "public")
    found = mgmt.workspaces.get(OTHER_GROUP, "public-one")
    assert (found.public_network_access, found.private_endpoint_connections) == ("Enabled", [])
    own = MLClient(ml_client._credential, ml_client.subscription_id, OTHER_GROUP, "public-one")
    assert own.workspaces.get("public-one").managed_network.isolation_mode.value == "Disabled"


def test_datastores_with_the_management_client(mgmt: Any) -> None:
    listed = {item.name: item for item in mgmt.datastores.list(GROUP, WORKSPACE)}
    assert len(listed) == 4
    assert [item.name for item in mgmt.datastores.list(GROUP, WORKSPACE, is_default=True)] == ["workspaceblobstore"]
    assert [item.name for item in mgmt.datastores.list(GROUP, WORKSPACE, names=["workspacefilestore"])] == [
        "workspacefilestore"
    ]
    # Pages of one: four requests, and nothing twice.
    assert len({item.name for item in mgmt.datastores.list(GROUP, WORKSPACE, count=1)}) == 4
    found = mgmt.datastores.get(GROUP, WORKSPACE, "workspaceblobstore")
    # Recorded so: no description, no tags; secrets are only in the answer of listSecrets.
    nothing = {f"properties.{name}" for name in ("description", "tags", "properties", "credentials.secrets")}
    assert empty(found) <= nothing
    assert found.properties.credentials.credentials_type == "AccountKey"
    # Recorded: without a body the key itself is answered.
    secret = mgmt.datastores.list_secrets(GROUP, WORKSPACE, "workspaceblobstore")
    assert secret.secrets_type == "AccountKey"
    assert len(base64.b64decode(secret.key)) == 64


def test_datastores_with_the_sdk(ml_client: Any) -> None:
    assert {item.name for item in ml_client.datastores.list(include_secrets=True)} >= {"workspaceblobstore"}
    default = ml_client.datastores.get_default(include_secrets=True)
    assert default.container_name.startswith("azureml-blobstore-")
    assert default.name == ml_client.datastores.get("workspaceblobstore").name


@pytest.mark.parametrize("mode", ["key", "identity"])
def test_uploads_without_a_signature(
    ml_client: Any, arm: Arm, rehearse: Callable[..., str], artifacts: Path, name: str, mode: str
) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model

    rehearse("env", "--workspace", ml_client.subscription_id, OTHER_GROUP, f"store-{mode}", "--datastore", mode)
    # Said once, it stays: a later call need not repeat it.
    rehearse("env", "--workspace", ml_client.subscription_id, OTHER_GROUP, f"store-{mode}")
    own = MLClient(ml_client._credential, ml_client.subscription_id, OTHER_GROUP, f"store-{mode}")
    made = own.models.create_or_update(Model(name=name, path=str(artifacts / "model"), type="custom_model"))
    own.models.download(name, made.version, download_path=str(artifacts / "down"))
    assert (artifacts / "down" / name / "model" / "factor.json").read_text() == "3"
    path = arm.workspace.replace(f"/{GROUP}/", f"/{OTHER_GROUP}/").replace(WORKSPACE, f"store-{mode}")
    path += "/datastores/workspaceblobstore/listSecrets"
    answer = arm.call("POST", path, {"expirableSecret": True})
    assert answer.status_code == (200 if mode == "key" else 400), answer.text


def test_a_wrong_account_key_opens_nothing(arm: Arm) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobServiceClient

    address = f"{arm.origin}/rehearsal.blob.core.windows.net"
    verify = arm.env["REQUESTS_CA_BUNDLE"]
    container = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]["containerName"]
    right = arm.call("POST", "datastores/workspaceblobstore/listSecrets").json()["key"]
    for key, status in ((right, None), (base64.b64encode(b"no" * 32).decode(), 403)):
        with BlobServiceClient(address, credential=key, connection_verify=verify, retry_total=0) as client:
            blob = client.get_blob_client(container, "with spaces/ü.txt")
            if status is None:
                blob.upload_blob(b"content", metadata={"origin": "test"}, overwrite=True)
                assert blob.download_blob().readall() == b"content"
                names = [item.name for item in client.get_container_client(container).list_blobs("with spaces/")]
                assert names == ["with spaces/ü.txt"]
            else:
                with pytest.raises(HttpResponseError) as refused:
                    blob.get_blob_properties()
                assert refused.value.status_code == status


def test_capacity_with_the_management_client(mgmt: Any) -> None:
    usages = {item.name.value: item for item in mgmt.usages.list("eastus")}
    # Recordings have no member for the workspace's location either.
    assert empty(usages["standardDSv2Family"]) <= {"aml_workspace_location"}
    quotas = {item.name.value: item for item in mgmt.quotas.list("eastus")}
    assert quotas["standardDSv2Family"].limit == 48
    sizes = {item.name: item for item in mgmt.virtual_machine_sizes.list("eastus").value}
    # Prices are in no recording.
    assert empty(sizes["Standard_DS3_v2"]) <= {"estimated_vm_prices"}
    assert sizes["Standard_DS3_v2"].v_cp_us == 4


def test_capacity_with_the_sdk(ml_client: Any) -> None:
    assert "Standard_DS3_v2" in {item.name for item in ml_client.compute.list_sizes()}
    assert "standardDSv2Family" in {item.name["value"] for item in ml_client.compute.list_usage()}


def test_computes_that_build_images(ml_client: Any, mgmt: Any) -> None:
    assert [item.name for item in ml_client.compute.list()] == ["image-builder"]
    assert ml_client.compute.get("image-builder").type == "amlcompute"
    assert mgmt.compute.get(GROUP, WORKSPACE, "image-builder").properties.compute_type == "AmlCompute"
    assert [item.name for item in mgmt.compute.list(GROUP, WORKSPACE)] == ["image-builder"]


def test_operations_of_the_provider(mgmt: Any) -> None:
    names = {item.name for item in mgmt.operations.list()}
    assert "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action" in names


def test_subscriptions_groups_and_permissions(arm: Arm) -> None:
    """No client of Machine Learning offers these; plain requests do, as other clients of Azure send them."""
    subscription = arm.workspace.split("/")[2]
    root = f"/subscriptions/{subscription}"
    assert arm.call("GET", "/tenants").json()["value"]
    assert subscription in [item["subscriptionId"] for item in arm.call("GET", "/subscriptions").json()["value"]]
    assert arm.call("GET", root).json()["state"] == "Enabled"
    assert arm.call("GET", f"{root}/locations").json()["value"][0]["name"] == "eastus"
    assert GROUP in [item["name"] for item in arm.call("GET", f"{root}/resourceGroups").json()["value"]]
    assert arm.call("GET", f"{root}/resourceGroups/{GROUP}").json()["location"] == "eastus"
    assert arm.call("HEAD", f"{root}/resourceGroups/{GROUP}").status_code == 204
    assert arm.call("HEAD", f"{root}/resourceGroups/nobody").status_code == 404
    provider = arm.call("GET", f"{root}/providers/Microsoft.MachineLearningServices").json()
    assert provider["registrationState"] == "Registered"
    for scope in (root, f"{root}/resourceGroups/{GROUP}", arm.workspace):
        answer = arm.call("GET", f"{scope}/providers/Microsoft.Authorization/permissions").json()["value"]
        assert {"actions", "notActions", "dataActions", "notDataActions"} <= set(answer[0])


def test_metadata_of_clouds(rehearsal: dict[str, Any]) -> None:
    verify = rehearsal["set"]["REQUESTS_CA_BUNDLE"]
    for version in ("2019-05-01", "2022-09-01"):
        answer = requests.get(
            f"{rehearsal['url']}/metadata/endpoints", params={"api-version": version}, verify=verify, timeout=30
        ).json()
        # The Azure CLI reads a list where it is told its clouds, and one object where one is registered.
        (cloud,) = answer if version == "2019-05-01" else (answer,)
        assert cloud["resourceManager"] == rehearsal["url"] + "/"
        assert cloud["suffixes"]["storage"] == "core.windows.net"
    assert isinstance(requests.get(rehearsal["set"]["ARM_CLOUD_METADATA_URL"], verify=verify, timeout=30).json(), list)


REFUSED = {
    "workspaces": (
        "begin_delete begin_prepare_notebook begin_resync_keys "
        "list_keys list_notebook_access_token list_notebook_keys list_outbound_network_dependencies_endpoints "
        "list_storage_account_keys"
    ),
    "compute": (
        "begin_create_or_update begin_delete begin_restart begin_start begin_stop begin_update list_keys list_nodes"
    ),
    "datastores": "create_or_update delete",
    "private_endpoint_connections": "create_or_update delete",
    "quotas": "update",
    "workspace_features": "list",
    "jobs": "get list",
    "batch_endpoints": "get list",
    "component_containers": "get list",
    "component_versions": "get list",
    "schedules": "get list",
    "workspace_connections": "get list",
    "registries": "get list list_by_subscription",
}


def test_what_a_stand_in_cannot_do_is_refused_by_name(
    rehearsal: dict[str, Any], rehearse: Callable[..., str], sdk_env: None
) -> None:
    import inspect

    from azure.core.exceptions import HttpResponseError
    from azure.identity import ClientSecretCredential
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    variables, words = rehearsal["set"], {"resource_group_name": GROUP, "workspace_name": WORKSPACE}
    credential = ClientSecretCredential(
        *(variables[f"REHEARSAL_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")),
        authority=rehearsal["url"],
        disable_instance_discovery=True,
    )
    client = MachineLearningServicesMgmtClient(
        credential, variables["AZURE_SUBSCRIPTION_ID"], base_url=rehearsal["url"],
        credential_scopes=[f"{rehearsal['url']}/.default"],
    )  # fmt: skip
    # A role that allows them: else the missing right is what is refused.
    rehearse("rights", "--identity", "service-principal", "--role", "contributor")
    try:
        for group, operations in REFUSED.items():
            for operation in operations.split():
                method = getattr(getattr(client, group), operation)
                needed = [
                    parameter.name
                    for parameter in inspect.signature(method).parameters.values()
                    if parameter.default is inspect.Parameter.empty
                    and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                ]
                given: dict[str, Any] = {name: words.get(name, "image-builder") for name in needed}
                given.update({name: b"{}" for name in ("parameters", "body", "properties") if name in needed})
                if "underlying_resource_action" in needed:
                    given["underlying_resource_action"] = "Delete"
                with pytest.raises(HttpResponseError) as refused:
                    answer = method(**given)
                    list(answer)
                assert refused.value.status_code == 501, (group, operation, refused.value.message)
                assert "The rehearsal does not offer" in refused.value.message
    finally:
        rehearse("rights", "--reset")
