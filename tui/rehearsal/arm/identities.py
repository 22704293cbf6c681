"""Handlers for user-assigned identities and their roles on a workspace's storage account and registry."""

from __future__ import annotations

import functools
import re
from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, resource_not_found
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import REGION_NAME
from tui.rehearsal.seed import TENANT_ID
from tui.rehearsal.service import Service

TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities"
MISSING = "identity-missing"
NO_ROLES = ("storage-access", "startup-roles")
"""Scenarios in which no endpoint identity has a role."""

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_IDENTITY = f"{_GROUP}/providers/{TYPE}/{{identity}}"
_STORAGE = f"{_GROUP}/providers/Microsoft.Storage/storageAccounts/{{account}}"
_REGISTRY = f"{_GROUP}/providers/Microsoft.ContainerRegistry/registries/{{registry}}"
_AUTHORIZATION = "providers/Microsoft.Authorization"
_DEFINITIONS = f"/subscriptions/{{subscription}}/{_AUTHORIZATION}/roleDefinitions/{{definition}}"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers"
# Microsoft's list of built-in roles: id, name, actions, data actions.
_BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
_ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
_ROLES = {
    _BLOB_READER: (
        "Storage Blob Data Reader",
        [f"{_BLOBS}/read", "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"],
        [f"{_BLOBS}/blobs/read"],
    ),
    _ACR_PULL: ("AcrPull", ["Microsoft.ContainerRegistry/registries/pull/read"], []),
}
# Managed Identity Operator, which both identities of the rehearsal have on every user-assigned identity.
_OPERATOR = [f"{TYPE}/*/read", f"{TYPE}/*/assign/action"]
_ASSIGNED = re.compile(r"(?:assignedTo\('|principalId eq ')([0-9a-f-]{36})'", re.IGNORECASE)


def ids(service: Service, resource: str) -> dict[str, str]:
    """The object and client id of an identity, derived from its resource id."""
    return {
        "principalId": service.seed.guid("user-identity-principal", resource.lower()),
        "clientId": service.seed.guid("user-identity-client", resource.lower()),
    }


def require(service: Service, resource: str) -> None:
    """Refuse an endpoint whose identity does not exist. Raises ArmError 400 (wording assumed)."""
    if MISSING in service.scenarios:
        raise ArmError(
            400,
            "FailedIdentityOperation",
            f"Identity operation failed: the user-assigned identity '{resource}' was not found.",
        )


async def read(call: Call) -> web.Response:
    """`GET` of a user-assigned identity: one exists for every valid name."""
    path = call.request.path
    if MISSING in call.service.scenarios:
        raise resource_not_found(TYPE, call["identity"], call["group"])
    return web.json_response(
        {
            "id": path,
            "name": call["identity"],
            "type": TYPE,
            "location": REGION_NAME,
            "tags": {},
            "properties": {"tenantId": TENANT_ID, **ids(call.service, path)},
        }
    )


async def permissions(call: Call) -> web.Response:
    """The caller's permissions on an identity: those of its roles, and Managed Identity Operator."""
    rights = call.service.rights.of(call.claims)
    operator = {"actions": _OPERATOR, "notActions": list(rights.denied), "dataActions": [], "notDataActions": []}
    return page(call, [*rights.permissions(), operator])


async def assignments(call: Call, role: str) -> web.Response:
    """Role assignments on a storage account or registry: the requested identity has the role."""
    asked = _ASSIGNED.search(call.query.get("$filter", ""))
    if asked is None or any(name in call.service.scenarios for name in NO_ROLES):
        return page(call, [])
    scope = call.request.path.rpartition(f"/{_AUTHORIZATION}")[0]
    name = call.service.seed.guid("role-assignment", scope.lower(), asked[1].lower(), role)
    definition = f"/subscriptions/{call['subscription']}/{_AUTHORIZATION}/roleDefinitions/{role}"
    properties: dict[str, Any] = {
        "roleDefinitionId": definition,
        "principalId": asked[1],
        "principalType": "ServicePrincipal",
        "scope": scope,
    }
    return page(
        call,
        [
            {
                "id": f"{scope}/{_AUTHORIZATION}/roleAssignments/{name}",
                "name": name,
                "type": "Microsoft.Authorization/roleAssignments",
                "properties": properties,
            }
        ],
    )


async def definition(call: Call) -> web.Response:
    """`GET …/roleDefinitions/{id}` of the two roles that are assigned here."""
    found = _ROLES.get(call["definition"].lower())
    if found is None:
        raise ArmError(404, "RoleDefinitionDoesNotExist", "The specified role definition does not exist.")
    name, actions, data = found
    entry = {"actions": actions, "notActions": [], "dataActions": data, "notDataActions": []}
    return web.json_response(
        {
            "id": call.request.path,
            "name": call["definition"],
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": {"roleName": name, "type": "BuiltInRole", "permissions": [entry]},
        }
    )


ROUTES: list[Route] = [
    ("GET", _IDENTITY, read),
    ("GET", f"{_IDENTITY}/{_AUTHORIZATION}/permissions", permissions),
    ("GET", f"{_STORAGE}/{_AUTHORIZATION}/roleAssignments", functools.partial(assignments, role=_BLOB_READER)),
    ("GET", f"{_REGISTRY}/{_AUTHORIZATION}/roleAssignments", functools.partial(assignments, role=_ACR_PULL)),
    ("GET", _DEFINITIONS, definition),
]
