"""Handlers for a workspace's network: private endpoints, the managed virtual network and its provisioning."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import operation_routes, operations
from tui.rehearsal.arm.errors import bad_content, resource_not_found, user_error
from tui.rehearsal.arm.front import Call, Fields, Route, page
from tui.rehearsal.arm.resource_paths import PROVIDER, WORKSPACE
from tui.rehearsal.arm.workspace_routes import (
    APPROVED_OUTBOUND,
    OPEN_OUTBOUND,
    managed_network,
    private_endpoints,
    workspace_body,
    workspace_of,
)
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.process import register_workspace
from tui.rehearsal.store import Resource

# The zones that a workspace's private endpoint needs, from Microsoft's how-to-custom-dns.
_ZONES = ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net")
PROVISION_SECONDS = 0.3
_HOST = re.compile(r"(\*\.)?(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+")


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


def _managed(call: Call) -> Workspace:
    """The call's workspace. Raises ArmError if it has no managed virtual network."""
    workspace = workspace_of(call)
    if not workspace.has_managed_network:
        raise user_error(
            f"The workspace '{workspace.name}' has no managed virtual network: its isolation mode is Disabled.",
            workspace.location,
        )
    return workspace


def _rule_body(workspace: Workspace, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    kind = f"{PROVIDER}/workspaces/outboundRules"
    return {"id": f"{workspace.id}/outboundRules/{name}", "name": name, "type": kind, "properties": properties}


def _rule_of(fields: Fields) -> dict[str, Any]:
    """The properties of a rule that a client wrote. Raises ArmError 400."""
    kind = fields.text("type")
    if kind not in ("FQDN", "PrivateEndpoint", "ServiceTag"):
        raise bad_content("the rule's type must be FQDN, PrivateEndpoint or ServiceTag")
    if kind != "FQDN":
        fields.object("destination")
    elif not _HOST.fullmatch(fields.text("destination") or ""):
        raise bad_content("the destination of an FQDN rule must be a host name, or *. and a domain")
    given = {name: fields.raw(name) for name in ("destination", "fqdns") if fields.raw(name) is not None}
    return {"type": kind, "category": "UserDefined", "status": "Active", **given}


def _rules(call: Call, workspace: Workspace) -> dict[str, dict[str, Any]]:
    return managed_network(call.service, workspace)["outboundRules"] or {}


def _keep(call: Call, workspace: Workspace, **changes: Any) -> None:
    store, key = call.service.store, workspace.network_settings_id
    kept = store.get(key)
    store.put(Resource(key, "managedNetworkSettings", workspace.id, {**(kept.body if kept else {}), **changes}))


async def list_outbound_rules(call: Call) -> web.Response:
    """`GET …/outboundRules`: those of clients; the ones that Azure adds automatically are not listed."""
    workspace = workspace_of(call)
    return page(call, [_rule_body(workspace, name, rule) for name, rule in _rules(call, workspace).items()])


async def read_outbound_rule(call: Call) -> web.Response:
    """`GET …/outboundRules/{name}`."""
    workspace, name = workspace_of(call), call["rule"]
    rule = _rules(call, workspace).get(name)
    if rule is None:
        raise resource_not_found(
            f"{PROVIDER}/workspaces/outboundRules", f"{workspace.name}/{name}", workspace.resource_group
        )
    return web.json_response(_rule_body(workspace, name, rule))


async def write_outbound_rule(call: Call) -> web.Response:
    """`PUT …/outboundRules/{name}`: at once; Azure may answer 202 and take minutes."""
    workspace, name = _managed(call), call["rule"]
    rule = _rule_of(call.body.object("properties"))
    _keep(call, workspace, outboundRules={**_rules(call, workspace), name: rule})
    return web.json_response(_rule_body(workspace, name, rule))


async def remove_outbound_rule(call: Call) -> web.Response:
    """`DELETE …/outboundRules/{name}`: 204 if there is none."""
    workspace = _managed(call)
    rules = _rules(call, workspace)
    left = {name: rule for name, rule in rules.items() if name != call["rule"]}
    _keep(call, workspace, outboundRules=left)
    return web.Response(status=200 if len(left) < len(rules) else 204)


async def write_workspace(call: Call) -> web.Response:
    """`PUT` and `PATCH` of a workspace: its managed virtual network; the rehearsal changes no other property.

    `PUT` makes one that does not exist. Rules are added to those that it has; null takes one away.
    """
    service, place = call.service, (call["subscription"], call["group"], call["workspace"])
    properties = call.body.object("properties")
    network = properties.object("managedNetwork")
    mode, rules = network.text("isolationMode"), network.object("outboundRules")
    if mode not in (None, "Disabled", OPEN_OUTBOUND, APPROVED_OUTBOUND):
        raise bad_content(f"isolationMode must be Disabled, {OPEN_OUTBOUND} or {APPROVED_OUTBOUND}")
    changed = {name: rules.raw(name) and _rule_of(rules.object(name)) for name in network.raw("outboundRules") or ()}
    service.workspaces.require_group(*place[:2])
    exists = any(known.id.lower() == call.request.path.lower() for known in service.workspaces.all())
    if mode in (OPEN_OUTBOUND, APPROVED_OUTBOUND) and (call.request.method == "PUT" or exists):
        register_workspace(service.home, *place, "managed")
    elif call.request.method == "PUT" and not exists:
        closed = properties.text("publicNetworkAccess") == "Disabled"
        register_workspace(service.home, *place, "legacy" if closed else "public")
    workspace = _managed(call) if changed or mode not in (None, "Disabled") else workspace_of(call)
    if workspace.has_managed_network:
        if mode == "Disabled":
            raise user_error("A managed virtual network cannot be disabled once it is enabled.", workspace.location)
        left = {name: rule for name, rule in {**_rules(call, workspace), **changed}.items() if rule}
        _keep(call, workspace, outboundRules=left, **({"isolationMode": mode} if mode else {}))
    return web.json_response(workspace_body(service, workspace))


async def provision(call: Call) -> web.Response:
    """`POST …/provisionManagedNetwork`: 202; the result is the network's status."""
    workspace = _managed(call)
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
    ("PUT", f"{WORKSPACE}/outboundRules/{{rule}}", write_outbound_rule),
    ("DELETE", f"{WORKSPACE}/outboundRules/{{rule}}", remove_outbound_rule),
    ("PUT", WORKSPACE, write_workspace),
    ("PATCH", WORKSPACE, write_workspace),
    ("POST", f"{WORKSPACE}/provisionManagedNetwork", provision),
]
