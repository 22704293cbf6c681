"""Handlers for workspaces."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import PROVIDER, WORKSPACE
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.seed import TENANT_ID
from tui.rehearsal.service import Service

CREATED = "2026-01-12T09:30:00.0000000+00:00"
# The system data of resources that exist from the start.
MADE = {
    "createdAt": CREATED,
    "createdBy": "rehearsal",
    "createdByType": "Application",
    "lastModifiedAt": CREATED,
    "lastModifiedBy": "rehearsal",
    "lastModifiedByType": "Application",
}
BUILD_COMPUTE = "image-builder"
OPEN_OUTBOUND, APPROVED_OUTBOUND = "AllowInternetOutbound", "AllowOnlyApprovedOutbound"


def workspace_of(call: Call) -> Workspace:
    """The workspace in a call's path. Raises ArmError 404."""
    return call.service.workspaces.find(call["subscription"], call["group"], call["workspace"])


def require_scope(call: Call) -> None:
    """Raise ArmError 404 if the workspace, group or subscription of a call does not exist."""
    if "workspace" in call.parameters:
        workspace_of(call)
    elif "group" in call.parameters:
        call.service.workspaces.require_group(call["subscription"], call["group"])
    else:
        call.service.workspaces.require_subscription(call["subscription"])


def is_provisioned(service: Service, workspace: Workspace) -> bool:
    """Whether the workspace's managed virtual network is provisioned, or none is needed."""
    if not workspace.has_managed_network:
        return True
    if "managed-network-not-ready" in service.scenarios:
        return False
    return workspace.provisioned or service.store.get(workspace.network_id) is not None


def managed_network(service: Service, workspace: Workspace) -> dict[str, Any]:
    """Isolation mode and outbound rules of the workspace's managed virtual network, as clients gave them."""
    if not workspace.has_managed_network:
        return {"isolationMode": "Disabled", "outboundRules": None}
    kept = service.store.get(workspace.network_settings_id)
    network = {"isolationMode": OPEN_OUTBOUND, "outboundRules": {}, **(kept.body if kept else {})}
    if "approved-outbound" in service.scenarios:
        network["isolationMode"] = APPROVED_OUTBOUND
    return network


def private_endpoints(workspace: Workspace) -> list[dict[str, Any]]:
    """The private endpoint connections: one, unless the workspace is public."""
    if workspace.is_public:
        return []
    group_id = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    return [
        {
            "id": f"{workspace.id}/privateEndpointConnections/pe-{workspace.name}",
            "name": f"pe-{workspace.name}",
            "type": f"{PROVIDER}/workspaces/privateEndpointConnections",
            "location": workspace.location,
            "properties": {
                "privateEndpoint": {
                    "id": f"{group_id}/providers/Microsoft.Network/privateEndpoints/pe-{workspace.name}",
                    "subnetArmId": f"{group_id}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/endpoints",
                },
                "privateLinkServiceConnectionState": {
                    "status": "Approved",
                    "description": "Auto-Approved",
                    "actionsRequired": "None",
                },
                "provisioningState": "Succeeded",
            },
        }
    ]


def workspace_body(service: Service, workspace: Workspace) -> dict[str, Any]:
    """The workspace as Resource Manager returns it; closed to public networks unless its isolation is `public`."""
    group_id = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    short = workspace.guid[:8]
    host = f"{workspace.location}.api.azureml.ms" if "public-names" in service.scenarios else service.authority
    managed = workspace.has_managed_network
    active = managed and is_provisioned(service, workspace)
    network = {
        **managed_network(service, workspace),
        "networkId": service.seed.guid("managed-network", workspace.guid) if managed else None,
        "status": {"status": "Active" if active else "Inactive", "sparkReady": False},
        "changeableIsolationModes": [OPEN_OUTBOUND, APPROVED_OUTBOUND],
    }
    return {
        "id": workspace.id,
        "name": workspace.name,
        "type": f"{PROVIDER}/workspaces",
        "location": workspace.location,
        "tags": {"purpose": "rehearsal"},
        "etag": None,
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "identity": {
            "type": "SystemAssigned",
            "principalId": service.seed.guid("workspace-identity", workspace.guid),
            "tenantId": TENANT_ID,
        },
        "properties": {
            "friendlyName": workspace.name,
            "description": "A workspace of the rehearsal",
            "storageAccount": f"{group_id}/providers/Microsoft.Storage/storageAccounts/rehearsal",
            "keyVault": f"{group_id}/providers/Microsoft.KeyVault/vaults/kv{short}",
            "applicationInsights": f"{group_id}/providers/Microsoft.Insights/components/appi{short}",
            "containerRegistry": f"{group_id}/providers/Microsoft.ContainerRegistry/registries/cr{short}",
            "hbiWorkspace": False,
            "tenantId": TENANT_ID,
            "imageBuildCompute": None if "no-build-compute" in service.scenarios else BUILD_COMPUTE,
            "provisioningState": "Succeeded",
            "v1LegacyMode": "v1-legacy-mode" in service.scenarios,
            "softDeleteEnabled": False,
            "allowPublicAccessWhenBehindVnet": False,
            "publicNetworkAccess": "Enabled" if workspace.is_public else "Disabled",
            "managedNetwork": network,
            "provisionNetworkNow": False,
            "privateEndpointConnections": private_endpoints(workspace),
            "privateLinkCount": len(private_endpoints(workspace)),
            "discoveryUrl": f"https://{host}/discovery",
            "mlFlowTrackingUri": f"azureml://{host}/mlflow/v1.0{workspace.id}",
            "workspaceId": workspace.guid,
            "storageHnsEnabled": False,
            "systemDatastoresAuthMode": "Identity" if workspace.datastore == "identity" else "AccessKey",
            "enableDataIsolation": False,
            "creationTime": CREATED,
        },
        "systemData": dict(MADE),
    }


async def read_workspace(call: Call) -> web.Response:
    """`GET` of one workspace."""
    return web.json_response(workspace_body(call.service, workspace_of(call)))


async def list_workspaces(call: Call) -> web.Response:
    """`GET` of the workspaces of a group or a subscription."""
    group = call.parameters.get("group")
    require_scope(call)
    found = [
        workspace_body(call.service, known)
        for known in call.service.workspaces.all()
        if known.subscription_id.lower() == call["subscription"].lower()
        and (group is None or known.resource_group.lower() == group.lower())
    ]
    return page(call, found)


ROUTES: list[Route] = [
    ("GET", WORKSPACE, read_workspace),
    ("GET", WORKSPACE.rsplit("/", 1)[0], list_workspaces),
    ("GET", f"/subscriptions/{{subscription}}/providers/{PROVIDER}/workspaces", list_workspaces),
]
