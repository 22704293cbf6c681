"""Workspaces: those that are built in, and those that clients named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import PROVIDER, WORKSPACE, Call, Routes, page
from tui.rehearsal.environment import LEGACY_WORKSPACE, MANAGED_WORKSPACE, RESOURCE_GROUP
from tui.rehearsal.errors import ArmError, resource_not_found
from tui.rehearsal.places import Home
from tui.rehearsal.seed import SUBSCRIPTION_ID, TENANT_ID, Seed
from tui.rehearsal.service import REGION_NAME, Service

CREATED = "2026-01-12T09:30:00.0000000+00:00"
# The system data of what is there from the start.
MADE = {
    "createdAt": CREATED,
    "createdBy": "rehearsal",
    "createdByType": "Application",
    "lastModifiedAt": CREATED,
    "lastModifiedBy": "rehearsal",
    "lastModifiedByType": "Application",
}
BUILD_COMPUTE = "image-builder"


@dataclass(frozen=True)
class Workspace:
    """One workspace that the rehearsal answers for."""

    subscription_id: str
    resource_group: str
    name: str
    isolation: str
    guid: str
    datastore: str = "sas"
    provisioned: bool = True

    @property
    def id(self) -> str:
        """The resource id."""
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}/providers/{PROVIDER}"
            f"/workspaces/{self.name}"
        )

    @property
    def has_managed_network(self) -> bool:
        """Whether the workspace has a managed virtual network."""
        return self.isolation == "managed"

    @property
    def is_public(self) -> bool:
        """Whether the workspace can be reached over the public network."""
        return self.isolation == "public"

    @property
    def network_id(self) -> str:
        """Under this id the store remembers that the managed virtual network was provisioned."""
        return f"{self.id}/managedNetworks/default"

    @property
    def location(self) -> str:
        """The region."""
        return REGION_NAME

    @property
    def blob_container(self) -> str:
        """The container of the default datastore."""
        return f"azureml-blobstore-{self.guid}"


class Workspaces:
    """The two that are built in and those that clients named."""

    def __init__(self, home: Home, seed: Seed) -> None:
        self._home = home
        self._seed = seed
        self._seen = -1
        self._known: dict[tuple[str, str, str], Workspace] = {}
        self._built_in = [
            self._make(SUBSCRIPTION_ID, RESOURCE_GROUP, MANAGED_WORKSPACE, "managed"),
            self._make(SUBSCRIPTION_ID, RESOURCE_GROUP, LEGACY_WORKSPACE, "legacy"),
        ]

    def _make(self, subscription: str, group: str, name: str, isolation: str, **more: Any) -> Workspace:
        guid = self._seed.guid("workspace", subscription.lower(), group.lower(), name.lower())
        return Workspace(subscription, group, name, isolation, guid, **more)

    def _refresh(self) -> None:
        try:
            changed = self._home.workspaces.stat().st_mtime_ns
        except OSError:
            changed = 0
        if changed == self._seen:
            return
        known: dict[tuple[str, str, str], Workspace] = {}
        for path in sorted(self._home.workspaces.glob("*.json")) if changed else []:
            try:
                content = json.loads(path.read_text())
                workspace = self._make(
                    *(str(content[key]) for key in ("subscription_id", "resource_group", "name", "isolation")),
                    datastore=str(content.get("datastore", "sas")),
                    provisioned=bool(content.get("provisioned", True)),
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
            known[_key(workspace.subscription_id, workspace.resource_group, workspace.name)] = workspace
        for workspace in self._built_in:
            known[_key(workspace.subscription_id, workspace.resource_group, workspace.name)] = workspace
        self._known, self._seen = known, changed

    def all(self) -> list[Workspace]:
        """All workspaces."""
        self._refresh()
        return list(self._known.values())

    def find(self, subscription: str, group: str, name: str) -> Workspace:
        """One workspace. Raises ArmError 404 in Resource Manager's words for what is missing."""
        self._refresh()
        workspace = self._known.get(_key(subscription, group, name))
        if workspace is not None:
            return workspace
        self.require_group(subscription, group)
        raise resource_not_found(f"{PROVIDER}/workspaces", name, group)

    def require_subscription(self, subscription: str) -> None:
        """Raises ArmError 404 when no workspace is in this subscription."""
        if not any(known.subscription_id.lower() == subscription.lower() for known in self.all()):
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    def require_group(self, subscription: str, group: str) -> None:
        """Raises ArmError 404 when subscription or group are unknown."""
        self.require_subscription(subscription)
        if not any(
            _key(subscription, group, "")[:2] == _key(known.subscription_id, known.resource_group, "")[:2]
            for known in self.all()
        ):
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def _key(subscription: str, group: str, name: str) -> tuple[str, str, str]:
    return subscription.lower(), group.lower(), name.lower()


def workspace_of(call: Call) -> Workspace:
    """The workspace that a call is about. Raises ArmError 404."""
    return call.service.workspaces.find(call["subscription"], call["group"], call["workspace"])


def is_provisioned(service: Service, workspace: Workspace) -> bool:
    """Whether the workspace's managed virtual network is there, or none is needed."""
    if not workspace.has_managed_network:
        return True
    if "managed-network-not-ready" in service.scenarios:
        return False
    return workspace.provisioned or service.store.get(workspace.network_id) is not None


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
    """The workspace as Resource Manager returns it; closed to the public except where its isolation is `public`."""
    group_id = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    short = workspace.guid[:8]
    host = f"{workspace.location}.api.azureml.ms" if "public-names" in service.scenarios else service.authority
    if workspace.has_managed_network:
        network: dict[str, Any] = {
            "isolationMode": "AllowInternetOutbound",
            "networkId": service.seed.guid("managed-network", workspace.guid),
            "outboundRules": {},
            "status": {
                "status": "Active" if is_provisioned(service, workspace) else "Inactive",
                "sparkReady": False,
            },
            "changeableIsolationModes": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
        }
    else:
        network = {
            "isolationMode": "Disabled",
            "networkId": None,
            "outboundRules": None,
            "status": {"status": "Inactive", "sparkReady": False},
            "changeableIsolationModes": ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"],
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
    if group is None:
        call.service.workspaces.require_subscription(call["subscription"])
    else:
        call.service.workspaces.require_group(call["subscription"], group)
    found = [
        workspace_body(call.service, known)
        for known in call.service.workspaces.all()
        if known.subscription_id.lower() == call["subscription"].lower()
        and (group is None or known.resource_group.lower() == group.lower())
    ]
    return page(call, found)


def add_routes(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("GET", WORKSPACE, read_workspace)
    routes.add("GET", WORKSPACE.rsplit("/", 1)[0], list_workspaces)
    routes.add("GET", f"/subscriptions/{{subscription}}/providers/{PROVIDER}/workspaces", list_workspaces)
