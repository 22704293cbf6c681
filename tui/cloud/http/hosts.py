"""Lists the hosts that a plan needs and those that only other parties need, from the service's responses."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import CloudError
from tui.cloud.http.dns_zones import PrivateName, inference_probe, private_name
from tui.cloud.session import Cloud
from tui.cloud.storage.datastore import container_of, read_default
from tui.cloud.workspace.workspace import WorkspaceInfo, connections

STORAGE_ACCOUNTS = "2023-01-01"
VAULTS = "2023-07-01"
REGISTRIES = "2023-07-01"


@dataclass(frozen=True)
class Host:
    """A host, its purpose, and what its address must be.

    `host` is empty if it is unknown, and `why` says why. `expected` is private if settings require it, else
    None; `demanded` is whether Azure refuses calls over a public address, instead of that being only unusual.
    `handshake` is False for a name that only represents others.
    """

    name: str
    host: str
    purpose: str
    needed: bool
    port: int = 443
    expected: str | None = None
    demanded: bool = False
    handshake: bool = True
    private: PrivateName | None = None
    resource: str = ""
    why: str = ""

    @property
    def shown(self) -> str:
        """The host, with its port unless that is the default."""
        return self.host if self.port == 443 or not self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Store:
    """The workspace's default datastore, which holds models and code. `identity` means that it has no key."""

    name: str
    account: str
    url: str
    container: str
    identity: bool
    account_id: str = ""


@dataclass(frozen=True)
class Dependency:
    """A resource that the workspace depends on: host, public access, private endpoints.

    `access` is enabled, selected or disabled, None if not reported; `endpoints` maps the names of private
    endpoint connections to their status; `sku` is the tier of a registry.
    """

    id: str
    host: str = ""
    access: str | None = None
    endpoints: dict[str, str] = field(default_factory=dict)
    sku: str | None = None
    azure_services: bool | None = None


def of_cloud(metadata: CloudMetadata) -> list[Host]:
    """Resource Manager and the authority that signs in, from the cloud's own metadata."""
    return [
        _from_url("resource-manager", metadata.resource_manager, "creates and reads all resources in Azure", True),
        _from_url("login", metadata.login, "signs in", True),
    ]


def store(cloud: Cloud) -> Store | None:
    """The default datastore, or None if there is none. Reads no secret. Raises CloudError."""
    found = read_default(cloud)
    properties = (found or {}).get("properties") or {}
    account = properties.get("accountName")
    if found is None or not account:
        return None
    subscription, group = properties.get("subscriptionId"), properties.get("resourceGroup")
    provider = "Microsoft.Storage/storageAccounts"
    url, container = container_of(cloud, properties)
    return Store(
        name=str(found.get("name") or "workspaceblobstore"),
        account=str(account),
        url=url,
        container=container,
        identity=str((properties.get("credentials") or {}).get("credentialsType") or "None") == "None",
        account_id=(
            f"/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/{account}"
            if subscription and group
            else ""
        ),
    )


def dependency(cloud: Cloud, id: str, version: str) -> Dependency | None:
    """A storage account, key vault or registry as far as this identity can read it; None without a response."""
    try:
        body = cloud.arm.call("GET", id, version, doing=f"reading {id.rpartition('/')[2]}", retry=False).body
    except CloudError:
        return None
    properties = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(properties, dict):
        return None
    rules = properties.get("networkAcls") or properties.get("networkRuleSet") or {}
    return Dependency(
        id=id,
        host=_host_of(properties),
        access=_access(properties, rules),
        endpoints=connections(properties.get("privateEndpointConnections")),
        sku=str((body.get("sku") or {}).get("name") or "") or None,
        azure_services="azureservices" in str(rules["bypass"]).lower() if rules.get("bypass") else None,
    )


def _host_of(properties: dict[str, Any]) -> str:
    endpoints = properties.get("primaryEndpoints")
    url = (endpoints.get("blob") if isinstance(endpoints, dict) else None) or properties.get("vaultUri")
    return (urlsplit(str(url)).hostname or "") if url else str(properties.get("loginServer") or "")


def _access(properties: dict[str, Any], rules: dict[str, Any]) -> str | None:
    told = str(properties.get("publicNetworkAccess") or "").lower()
    if told in ("disabled", "securedbyperimeter"):
        return "disabled"
    if str(rules.get("defaultAction") or "").lower() == "deny":
        return "selected"
    return "enabled" if told or rules else None


def of_storage(found: Store, account: Dependency | None, info: WorkspaceInfo) -> Host:
    """The blob host for uploads."""
    access = account.access if account else None
    closed = access in ("disabled", "selected") or (access is None and info.public_network_access.lower() == "disabled")
    host = _from_url("storage", found.url, "receives the model and the code", True)
    return replace(
        host,
        expected="private" if closed else None,
        demanded=access == "disabled",
        private=private_name(host.host),
        resource=(account.id if account else "") or found.account_id,
    )


def of_scoring(cloud: Cloud, info: WorkspaceInfo, scoring_uri: str | None, closed: bool, called: bool) -> Host:
    """The scoring host; `closed` is whether it is closed to public networks, `called` whether the plan calls it.

    Before the endpoint exists, the wildcard record that will resolve for it, in clouds that are covered.
    """
    purpose = "answers the test request" if called else "answers callers"
    expected = "private" if closed else None
    resource = info.id
    if scoring_uri:
        host = _from_url("scoring", scoring_uri, purpose, called)
        private = private_name(host.host, info.workspace_guid)
        return replace(host, expected=expected, demanded=closed, private=private, resource=resource)
    if not closed:
        why = "The endpoint does not exist yet, and Azure assigns its host on creation."
        return Host("scoring", "", purpose, False, expected=expected, resource=resource, why=why)
    probe = (
        inference_probe(cloud.metadata.name, info.workspace_guid, info.location) if cloud.metadata.built_in else None
    )
    if probe is None:
        why = "The endpoint does not exist yet, and the names of endpoints in this cloud are not known in advance."
        return Host("scoring", "", purpose, False, expected=expected, resource=resource, why=why)
    name, record = probe
    return Host(
        "scoring", name, purpose, called, expected="private", handshake=False, private=record, resource=resource
    )


def of_source(source: str, environ: Mapping[str, str] = os.environ) -> Host | None:
    """The host of a model's source: a storage account, or the MLflow server that the environment names."""
    if source.startswith(("runs:/", "models:/")):
        server = environ.get("MLFLOW_TRACKING_URI") or ""
        if not server.startswith(("https://", "http://")):
            server = environ.get("DATABRICKS_HOST") or ""
        if not server:
            return None
        url = server if "://" in server else f"https://{server}"
        host = _from_url("source", url, "holds the model", True)
        plain = urlsplit(url).scheme == "http"
        port = host.port if urlsplit(url).port or not plain else 80
        return replace(host, port=port, handshake=not plain)
    from tui.cloud.sources.blob_source import parse

    try:
        url = parse(source).account_url
    except CloudError:
        return None  # the error is reported when the source is read
    host = _from_url("source", url, "holds the model", True)
    return replace(host, private=private_name(host.host))


def of_others(info: WorkspaceInfo, vault: Dependency | None, registry: Dependency | None) -> list[Host]:
    """Hosts that the plan does not call, but the studio, notebooks or image builds do."""
    closed = "private" if info.public_network_access.lower() == "disabled" else None

    def other(name: str, host: str, purpose: str, expected: str | None, resource: str, why: str) -> Host:
        port = 443
        if host.count(":") == 1:
            host, _, number = host.partition(":")
            port = int(number) if number.isdigit() else 443
        private = private_name(host, info.workspace_guid) if host else None
        return Host(name, host, purpose, False, port, expected, private=private, resource=resource, why=why)

    untold = "Resource Manager did not return its name to this identity."
    return [
        other("workspace", info.api_host, "serves the studio and jobs", closed, info.id, untold),
        other("notebooks", info.notebook_host, "serves the studio's notebooks", closed, info.id, untold),
        other(
            "vault", vault.host if vault else "", "keeps the workspace's keys", _closed(vault), info.key_vault, untold
        ),
        other(
            "registry",
            registry.host if registry else "",
            "keeps the images",
            _closed(registry),
            info.container_registry or "",
            untold if info.container_registry else "The workspace has no container registry yet; Azure creates one.",
        ),
    ]


def _closed(found: Dependency | None) -> str | None:
    return "private" if found and found.access == "disabled" else None


def _from_url(name: str, url: str, purpose: str, needed: bool) -> Host:
    parts = urlsplit(url)
    try:
        port = parts.port or 443
    except ValueError:
        port = 443
    return Host(name, parts.hostname or "", purpose, needed, port)
