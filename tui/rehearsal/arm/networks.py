"""Handlers for a workspace's network: private endpoints, the managed virtual network and its provisioning."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import operation_routes, operations
from tui.rehearsal.arm.errors import resource_not_found, user_error
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import PROVIDER, WORKSPACE
from tui.rehearsal.arm.workspace_routes import private_endpoints, workspace_body, workspace_of
from tui.rehearsal.store import Resource

# The zones that a workspace's private endpoint needs, from Microsoft's how-to-custom-dns.
_ZONES = ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net")
PROVISION_SECONDS = 0.3


async def list_private_endpoints(call: Call) -> web.Response:
    """`GET …/privateEndpointConnections`."""
    return page(call, private_endpoints(workspace_of(call)))


async def read_private_endpoint(call: Call) -> web.Response:
    """`GET …/privateEndpointConnections/{name}`."""
    workspace = workspace_of(call)
    for connection in private_endpoints(workspace):
        if connection["name"].lower() == call["connection"].lower():
            return web.json_response(connection)
    raise resource_not_found(
        f"{PROVIDER}/workspaces/privateEndpointConnections",
        f"{workspace.name}/{call['connection']}",
        workspace.resource_group,
    )


async def list_private_links(call: Call) -> web.Response:
    """`GET …/privateLinkResources`: the group `amlworkspace` with the zones that it needs."""
    workspace = workspace_of(call)
    body = workspace_body(call.service, workspace)
    return web.json_response(
        {
            "value": [
                {
                    "id": f"{workspace.id}/privateLinkResources/amlworkspace",
                    "name": "amlworkspace",
                    "type": f"{PROVIDER}/workspaces/privateLinkResources",
                    "location": workspace.location,
                    "tags": body["tags"],
                    "sku": body["sku"],
                    "identity": body["identity"],
                    "systemData": body["systemData"],
                    "properties": {
                        "groupId": "amlworkspace",
                        "requiredMembers": ["default"],
                        "requiredZoneNames": list(_ZONES),
                    },
                }
            ]
        }
    )


async def list_outbound_rules(call: Call) -> web.Response:
    """`GET …/outboundRules`: the managed virtual network has only the rules that Azure adds automatically."""
    workspace_of(call)
    return page(call, [])


async def read_outbound_rule(call: Call) -> web.Response:
    """`GET …/outboundRules/{name}`: there are none."""
    workspace = workspace_of(call)
    raise resource_not_found(
        f"{PROVIDER}/workspaces/outboundRules", f"{workspace.name}/{call['rule']}", workspace.resource_group
    )


async def provision(call: Call) -> web.Response:
    """`POST …/provisionManagedNetwork`: 202; the result is the network's status."""
    workspace = workspace_of(call)
    if not workspace.has_managed_network:
        raise user_error(
            f"The workspace '{workspace.name}' has no managed virtual network: its isolation mode is Disabled.",
            workspace.location,
        )
    service = call.service

    async def work() -> None:
        await asyncio.sleep(PROVISION_SECONDS)
        body: dict[str, Any] = {"id": workspace.network_id, "name": "default", "properties": {}}
        service.store.put(Resource(workspace.network_id, "managedNetworks", workspace.id, body))

    path = service.operations.begin(
        operations.NETWORK,
        subscription=workspace.subscription_id,
        location=workspace.location,
        workspace_guid=workspace.guid,
        resource=workspace.network_id,
        verb="provision",
        work=work,
        result={"status": "Active", "sparkReady": call.body.boolean("includeSpark")},
    )
    return web.Response(status=202, headers=operation_routes.accepted(call, path))


ROUTES: list[Route] = [
    ("GET", f"{WORKSPACE}/privateEndpointConnections", list_private_endpoints),
    ("GET", f"{WORKSPACE}/privateEndpointConnections/{{connection}}", read_private_endpoint),
    ("GET", f"{WORKSPACE}/privateLinkResources", list_private_links),
    ("GET", f"{WORKSPACE}/outboundRules", list_outbound_rules),
    ("GET", f"{WORKSPACE}/outboundRules/{{rule}}", read_outbound_rule),
    ("POST", f"{WORKSPACE}/provisionManagedNetwork", provision),
]
