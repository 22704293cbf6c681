"""Handlers for subscriptions, resource groups, regions, the resource provider, and permissions."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError
from tui.rehearsal.arm.front import TABLE, Call, Route, page
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION_NAME, WORKSPACE
from tui.rehearsal.arm.rights import action_of
from tui.rehearsal.arm.workspace_routes import BUILD_COMPUTE, CREATED, require_scope, workspace_of
from tui.rehearsal.fleet.places import SUBSCRIPTIONS
from tui.rehearsal.seed import TENANT_ID


def _subscription(subscription: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription,
        "tenantId": TENANT_ID,
        "displayName": SUBSCRIPTIONS.get(subscription.lower(), "Rehearsal"),
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


async def list_subscriptions(call: Call) -> web.Response:
    """`GET /subscriptions`: those in which the caller has a role."""
    if not call.service.rights.of(call.claims).roles:
        return page(call, [])
    names = sorted({known.subscription_id.lower() for known in call.service.workspaces.all()})
    return page(call, [_subscription(name) for name in names])


async def read_subscription(call: Call) -> web.Response:
    """`GET /subscriptions/{id}`."""
    call.service.workspaces.require_subscription(call["subscription"])
    return web.json_response(_subscription(call["subscription"]))


async def list_tenants(call: Call) -> web.Response:
    """`GET /tenants`."""
    return page(call, [{"id": f"/tenants/{TENANT_ID}", "tenantId": TENANT_ID, "displayName": "Rehearsal"}])


async def list_locations(call: Call) -> web.Response:
    """`GET …/locations`: one region."""
    call.service.workspaces.require_subscription(call["subscription"])
    return page(
        call,
        [
            {
                "id": f"/subscriptions/{call['subscription']}/locations/{REGION_NAME}",
                "name": REGION_NAME,
                "type": "Region",
                "displayName": "East US",
                "regionalDisplayName": "(US) East US",
            }
        ],
    )


def _group(subscription: str, group: str) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{subscription}/resourceGroups/{group}",
        "name": group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": REGION_NAME,
        "properties": {"provisioningState": "Succeeded"},
    }


async def list_groups(call: Call) -> web.Response:
    """`GET …/resourceGroups`."""
    call.service.workspaces.require_subscription(call["subscription"])
    groups = {
        known.resource_group.lower(): known.resource_group
        for known in call.service.workspaces.all()
        if known.subscription_id.lower() == call["subscription"].lower()
    }
    return page(call, [_group(call["subscription"], name) for _, name in sorted(groups.items())])


async def read_group(call: Call) -> web.Response:
    """`GET …/resourceGroups/{name}`."""
    call.service.workspaces.require_group(call["subscription"], call["group"])
    return web.json_response(_group(call["subscription"], call["group"]))


async def check_group(call: Call) -> web.Response:
    """`HEAD …/resourceGroups/{name}`: 204 where it is there, else 404."""
    call.service.workspaces.require_group(call["subscription"], call["group"])
    return web.Response(status=204)


async def read_provider(call: Call) -> web.Response:
    """`GET …/providers/Microsoft.MachineLearningServices` and of Azure Monitor: registered."""
    call.service.workspaces.require_subscription(call["subscription"])
    kinds = {
        PROVIDER: ("workspaces", "workspaces/onlineEndpoints", "workspaces/onlineEndpoints/deployments"),
        "Microsoft.Insights": ("autoscaleSettings", "metrics", "diagnosticSettings"),
    }
    provider = next((name for name in kinds if name.lower() == call["provider"].lower()), None)
    if provider is None:
        raise ArmError(
            404,
            "InvalidResourceNamespace",
            f"The rehearsal knows only the resource providers {' and '.join(kinds)}, not '{call['provider'][:80]}'.",
        )
    return web.json_response(
        {
            "id": f"/subscriptions/{call['subscription']}/providers/{provider}",
            "namespace": provider,
            "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {"resourceType": name, "locations": ["East US"], "apiVersions": ["2024-10-01", "2024-04-01"]}
                for name in kinds[provider]
            ],
        }
    )


async def list_permissions(call: Call) -> web.Response:
    """`GET …/providers/Microsoft.Authorization/permissions`: one object for each of the caller's roles."""
    require_scope(call)
    return page(call, call.service.rights.of(call.claims).permissions())


def _compute(call: Call) -> dict[str, Any]:
    workspace = workspace_of(call)
    return {
        "id": f"{workspace.id}/computes/{BUILD_COMPUTE}",
        "name": BUILD_COMPUTE,
        "type": f"{PROVIDER}/workspaces/computes",
        "location": workspace.location,
        "tags": None,
        "properties": {
            "createdOn": CREATED,
            "modifiedOn": CREATED,
            "disableLocalAuth": False,
            "description": None,
            "resourceId": None,
            "computeType": "AmlCompute",
            "computeLocation": workspace.location,
            "provisioningState": "Succeeded",
            "provisioningErrors": None,
            "isAttachedCompute": False,
            "properties": {
                "vmSize": "Standard_DS3_v2",
                "vmPriority": "Dedicated",
                "scaleSettings": {"maxNodeCount": 2, "minNodeCount": 0, "nodeIdleTimeBeforeScaleDown": "PT2M"},
                "allocationState": "Steady",
                "currentNodeCount": 0,
                "targetNodeCount": 0,
                "enableNodePublicIp": False,
                "osType": "Linux",
            },
        },
    }


async def list_computes(call: Call) -> web.Response:
    """`GET …/computes`: the cluster that builds images."""
    return page(call, [_compute(call)])


async def read_compute(call: Call) -> web.Response:
    """`GET …/computes/{name}`."""
    body = _compute(call)
    if call["compute"].lower() != BUILD_COMPUTE:
        raise ArmError(404, "ResourceNotFound", f"The compute '{call['compute'][:80]}' was not found.")
    return web.json_response(body)


async def list_operations(call: Call) -> web.Response:
    """`GET /providers/Microsoft.MachineLearningServices/operations`: the actions that the rehearsal knows."""
    actions = sorted({action_of(method, path) for method, path in call.request.app[TABLE]})
    return page(
        call,
        [
            {
                "name": action,
                "isDataAction": False,
                "display": {
                    "provider": "Microsoft Machine Learning Services",
                    "resource": "/".join(action.split("/")[1:-1]),
                    "operation": action.rsplit("/", 1)[1],
                    "description": action,
                },
            }
            for action in actions
            if action.startswith(f"{PROVIDER}/")
        ],
    )


_ONE = "/subscriptions/{subscription}"
_GROUP = f"{_ONE}/resourceGroups/{{group}}"
ROUTES: list[Route] = [
    ("GET", f"/providers/{PROVIDER}/operations", list_operations),
    ("GET", "/subscriptions", list_subscriptions),
    ("GET", "/tenants", list_tenants),
    ("GET", _ONE, read_subscription),
    ("GET", f"{_ONE}/locations", list_locations),
    ("GET", f"{_ONE}/resourceGroups", list_groups),
    ("GET", _GROUP, read_group),
    ("HEAD", _GROUP, check_group),
    ("GET", f"{_ONE}/providers/{{provider}}", read_provider),
    *(
        ("GET", f"{scope}/providers/Microsoft.Authorization/permissions", list_permissions)
        for scope in (_ONE, _GROUP, WORKSPACE)
    ),
    ("GET", f"{WORKSPACE}/computes", list_computes),
    ("GET", f"{WORKSPACE}/computes/{{compute}}", read_compute),
]
