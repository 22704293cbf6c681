"""Rights that are taken away: what each client is told, and that giving them back helps at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arm_client import Arm
from operations import GROUP, OTHER_GROUP, WORKSPACE

SERVICE = "Microsoft.MachineLearningServices"


@pytest.fixture
def credential(rehearsal: dict[str, Any], sdk_env: None) -> Any:
    """The practice service principal: its rights are its own, the other tests use the managed identity."""
    from azure.identity import ClientSecretCredential

    values = (rehearsal["set"][f"REHEARSAL_{name}"] for name in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"))
    return ClientSecretCredential(*values, authority=rehearsal["url"], disable_instance_discovery=True)


@pytest.fixture
def give(rehearse: Callable[..., str]) -> Iterator[Callable[..., str]]:
    """Changes the rights of the service principal, and gives them back at the end."""

    def change(*arguments: str) -> str:
        return rehearse("rights", "--identity", "service-principal", *arguments)

    yield change
    rehearse("rights", "--reset")


@pytest.fixture
def principal(rehearsal: dict[str, Any], rehearsal_env: dict[str, str], credential: Any) -> Arm:
    client = Arm(rehearsal_env, rehearsal["url"])
    client.session.headers["Authorization"] = f"Bearer {credential.get_token(rehearsal['url'] + '/.default').token}"
    return client


def _refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def test_roles_one_by_one(principal: Arm, arm: Arm, give: Callable[..., str], name: str) -> None:
    endpoint = {"location": "eastus", "properties": {"authMode": "Key"}}
    permissions = "providers/Microsoft.Authorization/permissions"
    usages = f"/subscriptions/{arm.workspace.split('/')[2]}/providers/{SERVICE}/locations/eastus/usages"
    refused = (403, "AuthorizationFailed")

    give("--role", "none")
    for method, path in (("GET", ""), ("GET", "onlineEndpoints"), ("PUT", f"onlineEndpoints/{name}"), ("GET", usages)):
        assert _refusal(principal.call(method, path or arm.workspace, endpoint)) == refused, path
    assert _refusal(principal.call("GET", permissions)) == refused
    assert principal.call("GET", "/subscriptions").json() == {"value": []}
    # The other identity is as it was.
    assert arm.call("GET", arm.workspace).status_code == 200

    give("--role", "reader")
    assert principal.call("GET", "onlineEndpoints").status_code == 200
    assert principal.call("GET", usages).status_code == 200
    answer = principal.call("PUT", f"onlineEndpoints/{name}", endpoint)
    assert _refusal(answer) == refused
    words = answer.json()["error"]["message"]
    assert f"does not have authorization to perform action '{SERVICE}/workspaces/onlineEndpoints/write'" in words
    assert f"over scope '{arm.workspace}/onlineEndpoints/{name}'" in words
    assert _refusal(principal.call("POST", "datastores/workspaceblobstore/listSecrets", {})) == refused
    assert principal.call("GET", permissions).json()["value"] == [
        {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
    ]

    give("--role", "data-scientist")
    assert principal.call("GET", arm.workspace).status_code == 200
    assert _refusal(principal.call("GET", usages)) == refused
    made = principal.call("PUT", f"onlineEndpoints/{name}", endpoint)
    assert made.status_code == 201
    operation = made.headers["Azure-AsyncOperation"]
    # Who may not read the region's usages can still see how the own change goes, and nobody else can.
    assert principal.call("GET", operation).status_code == 200
    assert "Only the original caller" in arm.call("GET", operation).json()["error"]["message"]
    assert _refusal(principal.call("POST", f"{arm.workspace}/listKeys")) == refused

    give("--deny", f"{SERVICE}/workspaces/onlineEndpoints/listKeys/action")
    answer = principal.call("POST", f"onlineEndpoints/{name}/listKeys")
    assert _refusal(answer) == refused
    assert f"over scope '{arm.workspace}/onlineEndpoints/{name}' or" in answer.json()["error"]["message"]
    denied = principal.call("GET", permissions).json()["value"][0]["notActions"]
    assert f"{SERVICE}/workspaces/onlineEndpoints/listKeys/action" in denied

    give("--reset")
    assert principal.call("POST", f"onlineEndpoints/{name}/listKeys").json()["primaryKey"]
    # Resource Manager looks at rights before it looks whether the thing exists.
    give("--role", "none")
    assert _refusal(principal.call("GET", "onlineEndpoints/none-such")) == refused


def test_what_the_clients_raise(
    rehearsal: dict[str, Any], credential: Any, give: Callable[..., str], name: str
) -> None:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import ManagedOnlineEndpoint
    from azure.core.exceptions import HttpResponseError
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    subscription = rehearsal["set"]["AZURE_SUBSCRIPTION_ID"]
    sdk = MLClient(credential, subscription, GROUP, WORKSPACE)
    mgmt = MachineLearningServicesMgmtClient(
        credential, subscription, base_url=rehearsal["url"], credential_scopes=[f"{rehearsal['url']}/.default"]
    )
    give("--role", "reader")
    assert mgmt.workspaces.get(GROUP, WORKSPACE).name == WORKSPACE
    with pytest.raises(HttpResponseError) as refused:
        sdk.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name))
    assert (refused.value.status_code, refused.value.error.code) == (403, "AuthorizationFailed")
    with pytest.raises(HttpResponseError) as refused:
        mgmt.datastores.list_secrets(GROUP, WORKSPACE, "workspaceblobstore")
    assert (refused.value.status_code, refused.value.error.code) == (403, "AuthorizationFailed")
    give("--role", "none")
    with pytest.raises(HttpResponseError) as refused:
        mgmt.workspaces.get(GROUP, WORKSPACE)
    assert refused.value.status_code == 403


def test_a_missing_role_on_storage(
    rehearsal: dict[str, Any], credential: Any, give: Callable[..., str], rehearse: Callable[..., str],
    artifacts: Path, name: str,
) -> None:  # fmt: skip
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Model
    from azure.storage.blob import BlobServiceClient

    subscription = rehearsal["set"]["AZURE_SUBSCRIPTION_ID"]
    rehearse("env", "--workspace", subscription, OTHER_GROUP, "by-identity", "--datastore", "identity")
    sdk = MLClient(credential, subscription, OTHER_GROUP, "by-identity")
    model = Model(name=name, path=str(artifacts / "model"), type="custom_model")

    give("--storage-role", "reader")
    with pytest.raises(Exception, match=r"AuthorizationPermissionMismatch|not authorized|permission"):
        sdk.models.create_or_update(model)
    container = sdk.datastores.get_default().container_name
    address = f"{rehearsal['url']}/rehearsal.blob.core.windows.net"
    with BlobServiceClient(address, credential=credential, retry_total=0) as storage:
        client = storage.get_container_client(container)
        assert list(client.list_blobs()) == []
        give("--storage-role", "none")
        with pytest.raises(Exception, match="AuthorizationPermissionMismatch") as refused:
            list(client.list_blobs())
        assert refused.value.status_code == 403  # type: ignore[attr-defined]
    give("--storage-role", "contributor")
    assert sdk.models.create_or_update(model).version


def test_what_is_written_wrongly_is_said(rehearse: Callable[..., str]) -> None:
    assert "There is no role 'king'" in rehearse("rights", "--role", "king", expect=2)
    assert "cannot be combined" in rehearse("rights", "--role", "none", "--role", "reader", expect=2)
    assert "is not an action" in rehearse("rights", "--deny", "read it", expect=2)
    assert "There is no storage role" in rehearse("rights", "--storage-role", "king", expect=2)
    assert "AzureML Data Scientist" in rehearse("rights", "--list")
    assert "The managed identity: roles reader, data-scientist, autoscale; storage role contributor." in rehearse(
        "rights"
    )


def test_roles_that_are_given_with_the_environment(arm: Arm, rehearse: Callable[..., str], name: str) -> None:
    endpoint = {"location": "eastus", "properties": {"authMode": "Key"}}
    try:
        rehearse("env", "--role", "reader")
        assert _refusal(arm.call("PUT", f"onlineEndpoints/{name}", endpoint)) == (403, "AuthorizationFailed")
    finally:
        rehearse("rights", "--reset")
    assert arm.call("PUT", f"onlineEndpoints/{name}", endpoint).status_code == 201


def test_identities_of_endpoints_and_their_roles(arm: Arm, principal: Arm, give: Callable[..., str]) -> None:
    group = arm.workspace.partition("/providers/")[0]
    subscription = group.partition("/resourceGroups/")[0]
    identity = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn"
    found = arm.call("GET", identity).json()
    assert (found["id"], found["name"]) == (identity, "churn")
    who = found["properties"]["principalId"]
    assert who != found["properties"]["clientId"]

    may = arm.call("GET", f"{identity}/providers/Microsoft.Authorization/permissions").json()["value"]
    assert any("Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action" in entry["actions"] for entry in may)

    properties = arm.call("GET", arm.workspace).json()["properties"]
    for scope, role in (
        (properties["storageAccount"], "Storage Blob Data Reader"),
        (properties["containerRegistry"], "AcrPull"),
    ):
        listed = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
        (entry,) = arm.call("GET", f"{listed}?$filter=atScope() and assignedTo('{who}')").json()["value"]
        assert entry["properties"]["principalId"] == who
        assert entry["properties"]["scope"] == scope
        definition = arm.call("GET", entry["properties"]["roleDefinitionId"]).json()
        assert definition["properties"]["roleName"] == role
        assert arm.call("GET", listed).json()["value"] == []
    nothing = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{'0' * 8}"
    assert _refusal(arm.call("GET", nothing)) == (404, "RoleDefinitionDoesNotExist")

    give("--role", "none")
    assert _refusal(principal.call("GET", identity)) == (403, "AuthorizationFailed")
