"""Handler for workspace diagnostics: no problems, unless a scenario is active.

The shape is that of Microsoft's API description (DiagnoseResponseResult); codes and sentences are assumed.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import operation_routes
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.resource_paths import WORKSPACE
from tui.rehearsal.arm.workspace_routes import workspace_of

LOOK_SECONDS = 0.2
# Not recorded: assumed in the style of the operations on endpoints and deployments.
KIND = "wsdiag"

_LISTS = (
    "userDefinedRouteResults",
    "networkSecurityRuleResults",
    "resourceLockResults",
    "dnsResolutionResults",
    "storageAccountResults",
    "keyVaultResults",
    "containerRegistryResults",
    "applicationInsightsResults",
    "otherResults",
)
# Scenario -> result list, code and sentence.
_NOTICED = {
    "storage-host-unresolved": (
        "dnsResolutionResults",
        "CustomDnsInUse",
        "The storage account's host does not resolve to the private endpoint's address.",
    ),
    "storage-firewall": (
        "storageAccountResults",
        "StorageAccountNetworkRules",
        "The storage account's firewall does not allow the workspace's networks.",
    ),
    "key-vault-bypass": (
        "keyVaultResults",
        "KeyVaultFirewall",
        "The key vault's firewall does not allow trusted Azure services.",
    ),
    "image-build": (
        "containerRegistryResults",
        "ContainerRegistryUnreachable",
        "The container registry cannot be reached for building images, and no compute is set for it.",
    ),
}


async def diagnose(call: Call) -> web.Response:
    """`POST …/diagnose`: 202; the result is the problems found, by list."""
    workspace = workspace_of(call)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS}
    for scenario, (place, code, message) in _NOTICED.items():
        if scenario in call.service.scenarios:
            found[place].append({"code": code, "level": "Warning", "message": message})

    path = call.service.operations.begin(
        KIND,
        subscription=workspace.subscription_id,
        location=workspace.location,
        workspace_guid=workspace.guid,
        resource=f"{workspace.id}/diagnose",
        verb="diagnose",
        work=functools.partial(asyncio.sleep, LOOK_SECONDS),
        result={"value": found},
    )
    return web.Response(status=202, headers=operation_routes.accepted(call, path))


ROUTES: list[Route] = [("POST", f"{WORKSPACE}/diagnose", diagnose)]
