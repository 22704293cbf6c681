"""Which hosts a plan needs, and what their addresses must be."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.clouds import BUILT_IN
from tui.cloud.http import hosts
from tui.cloud.http.hosts import Dependency, Host, Store
from tui.cloud.workspace.workspace import WorkspaceInfo

PUBLIC = BUILT_IN["AzureCloud"]
INFO = WorkspaceInfo(
    id="/ws", name="ws", location="eastus", isolation="public", public_network_access="Enabled", managed_network=None,
    image_build_compute=None, portal_url="", explain="", workspace_guid="guid", key_vault="/vault",
    container_registry="/registry", api_host="guid.workspace.eastus.api.azureml.ms",
    notebook_host="n.notebooks.azure.net",
)  # fmt: skip
CLOSED = replace(INFO, public_network_access="Disabled")
STORE = Store("workspaceblobstore", "acc", "https://acc.blob.core.windows.net", "c", True, "/store")


def cloud_of(metadata: Any) -> Any:
    return SimpleNamespace(metadata=metadata)


def test_of_a_cloud_resource_manager_and_login_are_needed() -> None:
    found = hosts.of_cloud(replace(PUBLIC, resource_manager="https://127.0.0.1:8443"))
    assert [(host.name, host.shown, host.port, host.needed) for host in found] == [
        ("resource-manager", "127.0.0.1:8443", 8443, True),
        ("login", "login.microsoftonline.com", 443, True),
    ]
    assert Host("x", "", "", True, 8443).shown == ""


@pytest.mark.parametrize(
    ("access", "workspace", "expected", "demanded"),
    [
        ("disabled", INFO, "private", True),
        ("selected", INFO, "private", False),
        ("enabled", INFO, None, False),
        ("enabled", CLOSED, None, False),
        (None, INFO, None, False),
        (None, CLOSED, "private", False),
    ],
)
def test_the_storage_must_be_private_where_it_is_closed(
    access: str | None, workspace: WorkspaceInfo, expected: str | None, demanded: bool
) -> None:
    accounts = [Dependency("/account", access=access), *([None] if access is None else [])]
    for account in accounts:
        found = hosts.of_storage(STORE, account, workspace)
        assert (found.expected, found.demanded, found.needed) == (expected, demanded, True)
        assert (found.host, found.resource) == ("acc.blob.core.windows.net", "/account" if account else "/store")
    assert found.private is not None and found.private.zone == "privatelink.blob.core.windows.net"


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("called", [True, False])
def test_an_endpoint_that_exists_is_called_at_its_own_host(closed: bool, called: bool) -> None:
    uri = "https://churn.eastus.inference.ml.azure.com/score"
    found = hosts.of_scoring(cloud_of(PUBLIC), INFO, uri, closed, called)
    assert (found.host, found.needed, found.demanded) == ("churn.eastus.inference.ml.azure.com", called, closed)
    assert (found.expected, found.handshake) == ("private" if closed else None, True)
    assert found.private is not None and found.private.record == "*.guid.inference.eastus"


@pytest.mark.parametrize(
    ("metadata", "info", "closed", "known"),
    [
        (PUBLIC, INFO, True, True),
        (PUBLIC, INFO, False, False),
        (PUBLIC, replace(INFO, workspace_guid=None), True, False),
        (replace(PUBLIC, built_in=False), INFO, True, False),
    ],
)
@pytest.mark.parametrize("called", [True, False])
def test_before_the_endpoint_exists_only_a_closed_one_can_be_probed(
    metadata: Any, info: WorkspaceInfo, closed: bool, known: bool, called: bool
) -> None:
    found = hosts.of_scoring(cloud_of(metadata), info, None, closed, called)
    assert (found.host != "", found.why == "") == (known, known)
    assert found.needed is (called and known) and found.expected == ("private" if closed else None)
    assert found.handshake is not known and (found.private is not None) == known
    assert found.demanded is False


@pytest.mark.parametrize(
    ("source", "environ", "expected"),
    [
        ("runs:/r/model", {"MLFLOW_TRACKING_URI": "https://m.example"}, ("m.example", 443, True)),
        ("runs:/r/model", {"MLFLOW_TRACKING_URI": "http://m.example"}, ("m.example", 80, False)),
        ("runs:/r/model", {"MLFLOW_TRACKING_URI": "http://m.example:5000"}, ("m.example", 5000, False)),
        ("runs:/r/model", {"MLFLOW_TRACKING_URI": "https://m.example:5000"}, ("m.example", 5000, True)),
        ("models:/m/1", {"MLFLOW_TRACKING_URI": "databricks", "DATABRICKS_HOST": "https://d.example"},
         ("d.example", 443, True)),
        ("models:/m/1", {"DATABRICKS_HOST": "d.example"}, ("d.example", 443, True)),
        ("models:/m/1", {"MLFLOW_TRACKING_URI": "databricks"}, None),
        ("models:/m/1", {}, None),
        ("https://acc.blob.core.windows.net/c/p", {}, ("acc.blob.core.windows.net", 443, True)),
        ("https://elsewhere.example/c/p", {}, None),
    ],
)  # fmt: skip
def test_the_host_of_a_source(source: str, environ: dict[str, str], expected: Any) -> None:
    found = hosts.of_source(source, environ)
    assert (found and (found.host, found.port, found.handshake)) == expected
    assert found is None or found.needed
    assert (found is not None and found.private is not None) == ("blob" in source)


@pytest.mark.parametrize("closed", [True, False])
def test_hosts_of_others_are_not_needed_by_the_plan(closed: bool) -> None:
    vault = Dependency("/vault", "v.vault.azure.net", "disabled" if closed else "selected")
    registry = Dependency("/registry", "r.azurecr.io:5000", "disabled" if closed else "enabled")
    found = hosts.of_others(CLOSED if closed else INFO, vault, registry)
    assert [(host.name, host.host, host.port, host.resource) for host in found] == [
        ("workspace", "guid.workspace.eastus.api.azureml.ms", 443, "/ws"),
        ("notebooks", "n.notebooks.azure.net", 443, "/ws"),
        ("vault", "v.vault.azure.net", 443, "/vault"),
        ("registry", "r.azurecr.io", 5000, "/registry"),
    ]
    assert {host.expected for host in found} == {"private" if closed else None}
    assert not any(host.needed for host in found) and all(host.private for host in found)


def test_hosts_that_are_not_known_say_why() -> None:
    unknown = replace(INFO, container_registry=None, api_host="")
    workspace, _, vault, registry = hosts.of_others(unknown, None, None)
    assert [host.host for host in (workspace, vault, registry)] == ["", "", ""]
    assert (registry.resource, registry.expected, registry.private) == ("", None, None)
    assert vault.why == workspace.why != registry.why
    assert hosts.of_others(INFO, None, None)[3].why == vault.why
    odd = hosts.of_others(INFO, None, Dependency("/r", "r.azurecr.io:x"))[3]
    assert (odd.host, odd.port) == ("r.azurecr.io", 443)
    literal = hosts.of_others(INFO, None, Dependency("/r", "fe80::1"))[3]
    assert (literal.host, literal.port) == ("fe80::1", 443)


RESOURCES: list[tuple[Any, tuple[Any, ...] | None]] = [
    ({"properties": {}}, ("", None, {}, None, None)),
    ({"properties": {"publicNetworkAccess": "Disabled", "primaryEndpoints": {"blob": "https://a.blob.x/"}},
      "sku": {"name": "Premium"}}, ("a.blob.x", "disabled", {}, "Premium", None)),
    ({"properties": {"publicNetworkAccess": "SecuredByPerimeter", "vaultUri": "https://v.x/"}},
     ("v.x", "disabled", {}, None, None)),
    ({"properties": {"publicNetworkAccess": "Enabled", "loginServer": "r.x"}}, ("r.x", "enabled", {}, None, None)),
    ({"properties": {"networkAcls": {"defaultAction": "Deny", "bypass": "Logging, AzureServices"}}},
     ("", "selected", {}, None, True)),
    ({"properties": {"publicNetworkAccess": "Disabled", "networkAcls": {"defaultAction": "Deny", "bypass": "None"}}},
     ("", "disabled", {}, None, False)),
    ({"properties": {"networkRuleSet": {"defaultAction": "Allow"}}}, ("", "enabled", {}, None, None)),
    ({"properties": {"primaryEndpoints": {"file": "https://f.x"}, "loginServer": "r.x"}}, ("r.x", None, {}, None,
    None)),
    ({"properties": {"privateEndpointConnections": [
        {"properties": {"privateEndpoint": {"id": "/p/pe"},
        "privateLinkServiceConnectionState": {"status": "Approved"}}}
    ]}}, ("", None, {"pe": "Approved"}, None, None)),
    ({"properties": None}, None),
    ([], None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), RESOURCES)
def test_a_resource_beside_the_workspace(service: Service, cloud: Any, body: Any, expected: Any) -> None:
    service.on("GET", "^/account", Reply(body=body))
    found = hosts.dependency(cloud, "/account", hosts.VAULTS)
    assert (found and (found.host, found.access, found.endpoints, found.sku, found.azure_services)) == expected


def test_a_resource_that_may_not_be_read_is_asked_for_once(service: Service, cloud: Any) -> None:
    service.on("GET", "^/account", Reply(500, {}))
    assert hosts.dependency(cloud, "/account", hosts.VAULTS) is None
    assert service.count("GET", "^/account") == 1


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"accountName": "acc", "containerName": "c"}, ("acc", True, "")),
        ({"accountName": "acc", "credentials": {"credentialsType": "AccountKey"}, "subscriptionId": "s",
          "resourceGroup": "g"},
         ("acc", False, "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/acc")),
        ({"accountName": "acc", "credentials": {"credentialsType": "None"}, "subscriptionId": "s"}, ("acc", True, "")),
        ({"containerName": "c"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_default_datastore(service: Service, cloud: Any, properties: dict[str, Any], expected: Any) -> None:
    service.on("GET", f"{WORKSPACE.id}/datastores/workspaceblobstore", Reply(body={"properties": properties}))
    found = hosts.store(cloud)
    assert (found and (found.account, found.identity, found.account_id)) == expected
    assert found is None or (found.name, found.url) == ("workspaceblobstore", "https://acc.blob.core.windows.net")


def test_without_a_datastore_there_is_no_store(service: Service, cloud: Any) -> None:
    service.on("GET", r"/datastores\?", Reply(body={"value": []}))
    assert hosts.store(cloud) is None
