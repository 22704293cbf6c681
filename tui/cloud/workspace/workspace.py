"""Reads the workspace and explains what its network mode means for an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tui.cloud.session import Cloud

_MANAGED = {"allowinternetoutbound", "allowonlyapprovedoutbound"}


@dataclass(frozen=True)
class WorkspaceInfo:
    """A workspace's properties; `isolation` is managed_network, legacy or public.

    `private_endpoints` maps the names of its private endpoint connections to their status; `outbound_rules` maps rules
    of its managed virtual network to type, destination, category and status, and is None without such a network.
    """

    id: str
    name: str
    location: str
    isolation: str
    public_network_access: str
    managed_network: dict[str, str | None] | None
    image_build_compute: str | None
    portal_url: str
    explain: str
    v1_legacy_mode: bool = False
    workspace_guid: str | None = None
    container_registry: str | None = None
    storage_account: str | None = None
    provisioning_state: str | None = None
    key_vault: str = ""
    api_host: str = ""
    notebook_host: str = ""
    private_endpoints: dict[str, str] = field(default_factory=dict)
    private_endpoints_told: bool = False
    tenant: str | None = None
    outbound_rules: dict[str, dict[str, Any]] | None = None


def read(cloud: Cloud) -> WorkspaceInfo:
    """Read the plan's workspace. Raises CloudError, also if it is not found."""
    body = cloud.read_workspace()
    properties = body["properties"]
    network = _managed_network(properties.get("managedNetwork"))
    access = str(properties.get("publicNetworkAccess") or "Enabled")
    isolation = _isolation(network, access)
    return WorkspaceInfo(
        id=str(body.get("id") or cloud.workspace_id),
        name=str(body.get("name") or cloud.plan.workspace.name),
        location=str(body.get("location") or ""),
        isolation=isolation,
        public_network_access=access,
        managed_network=network,
        image_build_compute=properties.get("imageBuildCompute") or None,
        portal_url=portal_url(cloud),
        explain=_explain(isolation, network, access),
        v1_legacy_mode=bool(properties.get("v1LegacyMode")),
        workspace_guid=properties.get("workspaceId"),
        container_registry=properties.get("containerRegistry"),
        storage_account=properties.get("storageAccount"),
        provisioning_state=properties.get("provisioningState"),
        tenant=properties.get("tenantId"),
        key_vault=str(properties.get("keyVault") or ""),
        api_host=urlsplit(str(properties.get("discoveryUrl") or "")).netloc,
        notebook_host=str((properties.get("notebookInfo") or {}).get("fqdn") or ""),
        private_endpoints=connections(properties.get("privateEndpointConnections")),
        private_endpoints_told=isinstance(properties.get("privateEndpointConnections"), list),
        outbound_rules=_rules(properties.get("managedNetwork")) if isolation == "managed_network" else None,
    )


def portal_url(cloud: Cloud, endpoint: str | None = None, workspace_id: str = "") -> str:
    """The address of a workspace (the plan's), or of an online endpoint in it, in Azure Machine Learning studio.

    For a cloud whose studio is unknown, the workspace's address in the Azure portal.
    """
    from urllib.parse import quote

    if not cloud.metadata.studio:
        return f"{cloud.metadata.portal}/#resource{workspace_id or cloud.workspace_id}"
    path = f"/endpoints/realtime/{quote(endpoint)}/detail" if endpoint else "/home"
    return f"{cloud.metadata.studio}{path}?wsid={quote(workspace_id or cloud.workspace_id, safe='/')}"


def connections(listed: Any) -> dict[str, str]:
    """Name and status of private endpoint connections, as far as reported."""
    found = map(connection, listed if isinstance(listed, list) else [])
    return {one["private_endpoint"] or one["name"] or "?": one["status"] for one in found}


def connection(body: Mapping[str, Any]) -> dict[str, str]:
    """A private endpoint connection: name, private_endpoint (its name), status (Approved, Pending, Rejected,
    Disconnected) and description; empty if not reported."""
    properties = body.get("properties") or {}
    state = properties.get("privateLinkServiceConnectionState") or {}
    return {
        "name": str(body.get("name") or ""),
        "private_endpoint": str((properties.get("privateEndpoint") or {}).get("id") or "").rpartition("/")[2],
        "status": str(state.get("status") or ""),
        "description": str(state.get("description") or ""),
    }


def _rules(network: Any) -> dict[str, dict[str, Any]]:
    rules = network.get("outboundRules") if isinstance(network, dict) else None
    return {str(name): rule for name, rule in (rules or {}).items() if isinstance(rule, dict)}


def _managed_network(found: Any) -> dict[str, str | None] | None:
    if not isinstance(found, dict) or not found.get("isolationMode"):
        return None
    status = found.get("status")
    return {
        "isolation_mode": str(found["isolationMode"]),
        "status": str(status["status"]) if isinstance(status, dict) and status.get("status") else None,
    }


def _isolation(network: dict[str, str | None] | None, access: str) -> str:
    if network and str(network["isolation_mode"]).lower() in _MANAGED:
        return "managed_network"
    return "legacy" if access.lower() == "disabled" else "public"


def _explain(isolation: str, network: dict[str, str | None] | None, access: str) -> str:
    if isolation == "managed_network":
        mode = (network or {}).get("isolation_mode")
        return (
            f"The workspace has a managed virtual network ({mode}): deployments run in it, its outbound rules apply, "
            "and the egress flag of a deployment is left unset."
        )
    if isolation == "legacy":
        return (
            "The workspace is closed to public networks and has no managed virtual network: a deployment needs "
            "egress_public_network_access: disabled, which gives it its own private endpoints to the workspace, "
            "its storage and its registry."
        )
    return (
        f"The workspace is open to public networks (public network access is {access}): an endpoint can still be "
        "closed with public_network_access: disabled and is then reached through the workspace's private endpoint."
    )
