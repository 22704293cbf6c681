"""Handlers for managed online endpoints: create, change, read, delete, keys and tokens."""

from __future__ import annotations

import re
import time
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import identities, operation_routes, operations
from tui.rehearsal.arm.assets import system_data
from tui.rehearsal.arm.errors import ArmError, bad_content, resource_not_found, timestamp, user_error
from tui.rehearsal.arm.front import Call, Route, count, page
from tui.rehearsal.arm.listing import holding, ordered
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.resource_paths import ENDPOINT, PROVIDER, REGION_NAME, WORKSPACE
from tui.rehearsal.arm.workspace_routes import workspace_of
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.online_endpoints import online_resources, rules
from tui.rehearsal.online_endpoints.own_containers import declared_routes
from tui.rehearsal.online_endpoints.rules import choice
from tui.rehearsal.pace import DELETE_SECONDS
from tui.rehearsal.scenarios.disturbances import make_endpoint, scoring_base
from tui.rehearsal.seed import TENANT_ID
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

KIND = "onlineEndpoints"
TYPE = f"{PROVIDER}/workspaces/onlineEndpoints"
# Long enough for a client that polls to see the state Creating, short enough not to delay it.
SETTLE_SECONDS = 0.6
PAGE = 100
_AUTH_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
_ON_OFF = {"enabled": "Enabled", "disabled": "Disabled"}
_USER_ASSIGNED = re.compile(
    r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/microsoft\.managedidentity/userassignedidentities/[\w-]{3,128}",
    re.IGNORECASE,
)


def endpoint_id(workspace: Workspace, name: str) -> str:
    """The resource id of an endpoint."""
    return f"{workspace.id}/onlineEndpoints/{name}"


def find_endpoint(call: Call, workspace: Workspace) -> Resource:
    """The endpoint in a call's path. Raises ArmError 404."""
    found = call.service.store.get(endpoint_id(workspace, call["endpoint"]))
    if found is None:
        raise resource_not_found(TYPE, f"{workspace.name}/{call['endpoint']}", workspace.resource_group)
    return found


def find_by_name(service: Service, name: str) -> Resource | None:
    """The endpoint with this name, which is unique in the region, or None."""
    found = (service.store.get(endpoint_id(workspace, name)) for workspace in service.workspaces.all())
    return next(filter(None, found), None)


def rendered(service: Service, endpoint: Resource) -> dict[str, Any]:
    """The endpoint as clients see it; its addresses have the current port and appear after its creation."""
    if endpoint.internal.get("made"):
        base = scoring_base(service, endpoint.name)
        scoring = f"{base}{_scoring_path(service, endpoint)}"
        endpoint.properties.update(scoringUri=scoring, swaggerUri=f"{base}/swagger.json")
    return online_resources.rendered(service, endpoint)


def _scoring_path(service: Service, endpoint: Resource) -> str:
    """The path of the scoring URI: a deployment's own scoring route, as users of own containers report of Azure.

    Of several deployments' routes that of the one with the most traffic, else the first by name; this is assumed.
    """
    traffic = endpoint.properties["traffic"]
    for deployment in sorted(deployments_of(service, endpoint), key=lambda one: -traffic.get(one.name, 0)):
        return str(declared_routes(service, deployment).get("scoringRoute", {}).get("path", "/score"))
    return "/score"


def deployments_of(service: Service, endpoint: Resource) -> list[Resource]:
    """The endpoint's deployments, by name."""
    return service.store.children(endpoint.id, "deployments")


def _identity(call: Call, key: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
    """The identity in a body; it cannot be changed later (documented, wording assumed)."""
    made = _asked_identity(call, key, before)
    if before is not None and _of_identity(before) != _of_identity(made):
        raise user_error("The identity of an endpoint cannot be changed after the endpoint was created.", REGION_NAME)
    return made


def _of_identity(identity: dict[str, Any] | None) -> tuple[str, frozenset[str]]:
    found = identity or {"type": "None"}
    users = found.get("userAssignedIdentities") or {}
    return str(found["type"]), frozenset(name.lower() for name in users)


def _asked_identity(call: Call, key: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
    fields = call.body.object("identity")
    kind = fields.text("type")
    if kind is None:
        return before or _system_identity(call, key)
    names = {
        "systemassigned": "SystemAssigned",
        "userassigned": "UserAssigned",
        "systemassigned,userassigned": "SystemAssigned, UserAssigned",
        "none": "None",
    }
    kind = choice(kind.replace(" ", ""), names, "identity.type", "SystemAssigned")
    if kind == "None":
        return None
    identity: dict[str, Any] = _system_identity(call, key) if kind.startswith("SystemAssigned") else {"type": kind}
    identity["type"] = kind
    users = fields.raw("userAssignedIdentities")
    if "UserAssigned" in kind:
        if not isinstance(users, dict) or not users:
            raise bad_content("identity.userAssignedIdentities must name at least one identity")
        for name in users:
            if not _USER_ASSIGNED.fullmatch(str(name)):
                raise ArmError(
                    400,
                    "LinkedInvalidPropertyId",
                    f"Property id '{str(name)[:300]}' at path 'identity.userAssignedIdentities' is invalid. Expect "
                    "fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or "
                    "'/providers/{resourceProviderNamespace}/'.",
                )
            identities.require(call.service, str(name))
        identity["userAssignedIdentities"] = {str(name): identities.ids(call.service, str(name)) for name in users}
    return identity


def _system_identity(call: Call, key: str) -> dict[str, Any]:
    return {
        "type": "SystemAssigned",
        "principalId": call.service.seed.guid("endpoint-identity", key.lower()),
        "tenantId": TENANT_ID,
    }


def _accepted(call: Call, workspace: Workspace, endpoint: Resource, verb: str) -> web.Response:
    return online_resources.accepted(call, workspace, endpoint, operations.ENDPOINT, verb, work)


async def work(service: Service, resource_id: str, verb: str) -> None:
    """Execute an endpoint's operation in the background. Raises OperationFailed."""
    if verb == "delete":
        await service.pace.until(time.monotonic(), DELETE_SECONDS)
        await service.operations.cancel(resource_id + "/deployments")
        await service.running_deployments.remove_below(resource_id)
        service.store.delete(resource_id)
        return
    begun = time.monotonic()
    endpoint = service.store.get(resource_id)
    if endpoint is not None:
        await make_endpoint(service, endpoint, begun, SETTLE_SECONDS)
        endpoint = service.store.get(resource_id)
    if endpoint is None:
        raise OperationFailed("ResourceNotFound", "The endpoint was deleted.")
    endpoint.properties["provisioningState"] = "Succeeded"
    endpoint.internal["made"] = True
    service.store.put(endpoint)


def _require_free_name(service: Service, workspace: Workspace, name: str) -> None:
    if find_by_name(service, name) is not None:
        raise user_error(
            f"There is already an endpoint with the name '{name}' in the region {workspace.location}. Endpoint "
            "names must be unique within an Azure region; choose another name.",
            workspace.location,
            code="BadRequest",
        )


def _check_create(call: Call, workspace: Workspace, name: str) -> None:
    rules.check_name(name, "endpoint")
    _require_free_name(call.service, workspace, name)
    subscription = f"/subscriptions/{workspace.subscription_id}/".lower()
    if sum(key.startswith(subscription) for key in call.service.store.ids(KIND)) >= rules.MAX_ENDPOINTS:
        raise rules.limit_reached("endpoints in a subscription and region", rules.MAX_ENDPOINTS)
    location = call.body.text("location")
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    if location.lower().replace(" ", "") != workspace.location:
        raise user_error(
            f"The location '{location[:80]}' is not the workspace's, which is {workspace.location}.", workspace.location
        )


async def write(call: Call) -> web.Response:
    """`PUT` of an endpoint: 201 for a new one, 200 for a change, both with an operation (recorded)."""
    workspace = workspace_of(call)
    fields = call.body.object("properties")
    resource_id = endpoint_id(workspace, call["endpoint"])
    before = call.service.store.get(resource_id)
    if before is None:
        _check_create(call, workspace, call["endpoint"])
    else:
        rules.require_settled("endpoint", before.name, before.properties["provisioningState"])
    old = before.properties if before else {}
    if (fields.text("compute") or "").lower() not in ("", (old.get("compute") or "").lower()):
        raise user_error("The rehearsal has managed online endpoints only; omit compute.", workspace.location)
    if fields.raw("keys"):
        raise user_error("The rehearsal creates an endpoint's keys itself; omit keys.", workspace.location)
    mode = choice(fields.text("authMode"), _AUTH_MODES, "authMode", "Key")
    if before is not None and before.properties["authMode"] != mode:
        raise user_error("The authMode of an endpoint cannot be changed.", workspace.location)
    traffic, mirror = rules.check_traffic(
        fields.percentages("traffic"),
        fields.percentages("mirrorTraffic"),
        [
            item.name
            for item in (deployments_of(call.service, before) if before else [])
            if item.properties["provisioningState"] != "Deleting"
        ],
    )
    name = before.name if before else call["endpoint"]
    resource_id = before.body["id"] if before else resource_id
    body = {
        "id": resource_id,
        "name": name,
        "type": TYPE,
        "properties": {
            "description": fields.text("description"),
            "properties": {**fields.texts("properties"), "azureml.onlineendpointid": resource_id.lower()},
            "scoringUri": None,
            "swaggerUri": None,
            "authMode": mode,
            "provisioningState": "Updating" if before else "Creating",
            "compute": old.get("compute"),
            "publicNetworkAccess": choice(
                fields.text("publicNetworkAccess"),
                _ON_OFF,
                "publicNetworkAccess",
                old.get("publicNetworkAccess", "Enabled"),
            ),
            "traffic": traffic,
            "mirrorTraffic": mirror,
        },
        "systemData": system_data(call, before.body["systemData"] if before else None),
        "tags": call.body.texts("tags"),
        "location": workspace.location,
        "kind": before.body["kind"] if before else "Managed",
        "identity": _identity(call, resource_id, before.body.get("identity") if before else None),
    }
    # The time makes an endpoint's keys differ from those of a deleted one with the same name.
    internal = before.internal if before else {"workspace": workspace.guid, "made_at": timestamp()}
    endpoint = Resource(resource_id, KIND, workspace.id, body, internal)
    path = online_resources.begin(call, workspace, endpoint, operations.ENDPOINT, "write", work)
    headers = operation_routes.created(call, path)
    return web.json_response(rendered(call.service, endpoint), status=200 if before else 201, headers=headers)


async def patch(call: Call) -> web.Response:
    """`PATCH` of an endpoint: tags and identity, 202 with `Location` (recorded)."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    if "tags" in call.body:
        endpoint.body["tags"] = call.body.texts("tags")
    if "identity" in call.body:
        endpoint.body["identity"] = _identity(call, endpoint.id, endpoint.body.get("identity"))
    endpoint.properties["provisioningState"] = "Updating"
    endpoint.body["systemData"] = system_data(call, endpoint.body["systemData"])
    return _accepted(call, workspace, endpoint, "write")


async def read(call: Call) -> web.Response:
    """`GET` of an endpoint."""
    return web.json_response(rendered(call.service, find_endpoint(call, workspace_of(call))))


async def list_all(call: Call) -> web.Response:
    """`GET` of a workspace's endpoints: filtered by name, tags, properties and compute, `count` per page."""
    workspace = workspace_of(call)
    found = call.service.store.children(workspace.id, KIND)
    if call.query.get("name"):
        found = [item for item in found if item.name.lower() == call.query["name"].lower()]
    found = holding(found, call.query.get("tags", ""), lambda item: item.body["tags"])
    found = holding(found, call.query.get("properties", ""), lambda item: item.properties["properties"])
    compute = call.query.get("computetype", "").lower()
    found = [item for item in found if compute in ("", item.body["kind"].lower())]
    return page(call, ordered(call, found), count(call, PAGE), lambda item: rendered(call.service, item))


async def delete(call: Call) -> web.Response:
    """`DELETE` of an endpoint with its deployments: 202 with `Location`; 204 if it does not exist."""
    workspace = workspace_of(call)
    endpoint = call.service.store.get(endpoint_id(workspace, call["endpoint"]))
    if endpoint is None:
        return web.Response(status=204)
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    endpoint.properties["provisioningState"] = "Deleting"
    return _accepted(call, workspace, endpoint, "delete")


# Keys and tokens


def keys(service: Service, endpoint: Resource) -> tuple[str, str]:
    """Primary and secondary key, derived so that they survive a restart without being stored."""
    generations = endpoint.internal.get("keys", {})

    def key(which: str) -> str:
        given = endpoint.internal.get("made_at", "")
        return service.seed.text("endpoint-key", endpoint.id.lower(), given, which, str(generations.get(which, 0)))

    return key("primary"), key("secondary")


async def list_keys(call: Call) -> web.Response:
    """`POST …/listKeys`: null for endpoints with tokens (recorded)."""
    endpoint = find_endpoint(call, workspace_of(call))
    primary, secondary = keys(call.service, endpoint)
    uses_keys = endpoint.properties["authMode"] == "Key"
    return web.json_response(
        {"primaryKey": primary if uses_keys else None, "secondaryKey": secondary if uses_keys else None}
    )


async def regenerate_keys(call: Call) -> web.Response:
    """`POST …/regenerateKeys`: `keyType` Primary or Secondary; 202 with `Location`."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    if endpoint.properties["authMode"] != "Key":
        raise user_error(f"The endpoint '{endpoint.name}' does not use keys.", workspace.location)
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    # The SDK also sends the current key; a new one is created.
    if call.body.raw("keyValue") not in (None, *keys(call.service, endpoint)):
        raise user_error("The rehearsal creates an endpoint's keys itself; omit keyValue.", workspace.location)
    which = choice(
        call.body.text("keyType"), {"primary": "Primary", "secondary": "Secondary"}, "keyType", "Primary"
    ).lower()
    generations = dict(endpoint.internal.get("keys", {}))
    generations[which] = generations.get(which, 0) + 1
    endpoint.internal["keys"] = generations
    return _accepted(call, workspace, endpoint, "keys")


TOKEN_SECONDS = 86_400


async def token(call: Call) -> web.Response:
    """`POST …/token`: a scoring token of the workspace, valid for a day, with refresh after half of it (recorded)."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    if endpoint.properties["authMode"] == "Key":
        raise user_error(f"The endpoint '{endpoint.name}' uses keys, not tokens.", workspace.location)
    now = int(time.time())
    access = call.service.signer.sign(
        {
            "canRefresh": "False",
            "workspaceId": workspace.guid,
            "tid": TENANT_ID,
            "oid": call.caller,
            "actions": '["Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"]',
            "endpointName": endpoint.name,
            "serviceId": endpoint.name,
            "exp": now + TOKEN_SECONDS,
            "iss": "azureml",
            "aud": "azureml",
        }
    )
    return web.json_response(
        {
            "accessToken": access,
            "tokenType": "Bearer",
            "expiryTimeUtc": now + TOKEN_SECONDS,
            "refreshAfterTimeUtc": now + TOKEN_SECONDS // 2,
        }
    )


ROUTES: list[Route] = [
    ("GET", f"{WORKSPACE}/onlineEndpoints", list_all),
    ("GET", ENDPOINT, read),
    ("PUT", ENDPOINT, write),
    ("PATCH", ENDPOINT, patch),
    ("DELETE", ENDPOINT, delete),
    ("POST", f"{ENDPOINT}/listKeys", list_keys),
    ("POST", f"{ENDPOINT}/regenerateKeys", regenerate_keys),
    ("POST", f"{ENDPOINT}/token", token),
]
