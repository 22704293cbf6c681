"""Virtual machine sizes, quota and usage in a region.

Sizes are from Microsoft's list for managed online endpoints (reference-managed-online-endpoints-vm-sku-list);
the reserve of 20 % is documented in how-to-manage-quotas, and recordings show that it counts as used.
"""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from tui.common.vm_sizes import Size, find, quota_needed, sizes
from tui.rehearsal.arm.errors import ArmError, bad_request
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION, REGION_NAME
from tui.rehearsal.fleet.places import SUBSCRIPTIONS
from tui.rehearsal.service import Service

# A new subscription has 24 to 300 cores for each ordinary family, by offer, and none for GPU families; here these have
# enough for one instance of the largest size, with its reserve.
FAMILY_LIMIT = 48
GPU_FAMILY_LIMIT = 192
TOTAL_LIMIT = 300
# In the fleet's subscriptions, so that its deployments can be changed.
FLEET_LIMIT = 50_000
# Recorded 2025-11 in eastus, for this size only: US dollars per hour for dedicated and low priority machines.
_PRICES = {"Standard_D16as_v4": (0.77, 0.15)}


def _limit(service: Service, subscription: str, family: str) -> int:
    if "quota" in service.scenarios:
        return 0
    if subscription.lower() in SUBSCRIPTIONS:
        return FLEET_LIMIT
    gpus = any(size.family == family and size.gpus for size in sizes())
    return GPU_FAMILY_LIMIT if gpus else FAMILY_LIMIT


def _used(service: Service, subscription: str, leave_out: str = "") -> dict[str, int]:
    used: dict[str, int] = {}
    for deployment in service.store.of_kind("deployments"):
        if not deployment.id.lower().startswith(f"/subscriptions/{subscription.lower()}/"):
            continue
        size = find(str(deployment.properties.get("instanceType", "")))
        if size is not None and deployment.id.lower() != leave_out.lower():
            cores = quota_needed(size, int(deployment.body["sku"]["capacity"]))
            used[size.family] = used.get(size.family, 0) + cores
    return used


def require_quota(service: Service, subscription: str, deployment_id: str, size: Size, instances: int) -> None:
    """Refuse a deployment that exceeds the quota, as recorded: 400 for the PUT. Raises ArmError."""
    used = _used(service, subscription, leave_out=deployment_id).get(size.family, 0)
    needed, limit = quota_needed(size, instances), _limit(service, subscription, size.family)
    if used + needed <= limit:
        return
    text = (
        f"Not enough quota available for {size.name} in SubscriptionId {subscription}. Current usage/limit: "
        f"{used}/{limit}. Additional needed: {needed} Please see troubleshooting guide, available here: "
        "https://aka.ms/oe-tsg#error-outofquota"
    )
    raise bad_request(
        "InferencingClientCreateDeploymentFailed",
        'InferencingClient HttpRequest error, error detail: {"errors":{"VmSize":["' + text + '"]},"type":'
        '"https://tools.ietf.org/html/rfc9110#section-15.5.1","title":"One or more validation errors occurred.",'
        '"status":400}',
        REGION_NAME,
    )


def _families() -> list[str]:
    return sorted({size.family for size in sizes()})


def _family_name(family: str) -> dict[str, str]:
    words = family.replace("standard", "Standard ", 1).replace("Family", " Family").replace("  ", " ")
    return {"value": family, "localizedValue": f"{words} Cluster Dedicated vCPUs"}


def _require_region(call: Call) -> None:
    call.service.workspaces.require_subscription(call["subscription"])
    if call["location"].lower().replace(" ", "") != REGION_NAME:
        raise ArmError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{call['location']}'. The rehearsal has one region: "
            f"{REGION_NAME}.",
        )


async def list_usages(call: Call) -> web.Response:
    """`GET …/locations/{location}/usages`."""
    _require_region(call)
    subscription = f"/subscriptions/{call['subscription']}"
    used = _used(call.service, call["subscription"])
    endpoints = [
        item for item in call.service.store.of_kind("onlineEndpoints") if item.id.startswith(subscription.lower() + "/")
    ]

    def usage(kind: str, name: dict[str, str], value: int, limit: int, ending: str = "") -> dict[str, Any]:
        return {
            "unit": "Count",
            "currentValue": value,
            "limit": limit,
            "name": name,
            "type": f"{PROVIDER}/{kind}/usages",
            "id": subscription + ending,
        }

    found = [
        usage("totalClusters", {"value": "TotalClusters", "localizedValue": "Total Clusters"}, 1, 200),
        usage(
            "totalDedicatedCores",
            {"value": "TotalDedicatedCores", "localizedValue": "Total Cluster Dedicated Regional vCPUs"},
            sum(used.values()),
            FLEET_LIMIT if call["subscription"].lower() in SUBSCRIPTIONS else TOTAL_LIMIT,
        ),
        usage(
            "onlineEndpoints", {"value": "OnlineEndpoints", "localizedValue": "Online Endpoints"}, len(endpoints), 100
        ),
    ]
    for family in _families():
        ending = f"/usages/{family.replace(' ', '_')}"
        limit = _limit(call.service, call["subscription"], family)
        found.append(usage("vmFamily/dedicatedCores", _family_name(family), used.get(family, 0), limit, ending))
    return page(call, found)


async def list_quotas(call: Call) -> web.Response:
    """`GET …/locations/{location}/quotas`."""
    _require_region(call)
    found = [
        {
            "unit": "Count",
            "limit": _limit(call.service, call["subscription"], family),
            "name": _family_name(family),
            "type": f"{PROVIDER}/vmFamily/dedicatedCores/quotas",
            "id": f"/subscriptions/{call['subscription']}/quotas/{family.replace(' ', '_')}",
            "location": None,
        }
        for family in _families()
    ]
    # A workspace's quota is at most its subscription's; here they are equal (the shape is recorded).
    for workspace in call.service.workspaces.all():
        if workspace.subscription_id.lower() == call["subscription"].lower():
            found += [
                {
                    **item,
                    "type": f"{PROVIDER}/workspaces/dedicatedCores/quotas",
                    "id": workspace.id + str(item["id"])[str(item["id"]).index("/quotas/") :],
                    "location": workspace.location,
                }
                for item in found[: len(_families())]
            ]
    return page(call, found)


def _prices(name: str) -> dict[str, Any]:
    if name not in _PRICES:
        return {}
    values = [
        {"retailPrice": price, "osType": "Linux", "vmTier": tier}
        for price, tier in zip(_PRICES[name], ("Standard", "LowPriority"))
    ]
    return {"estimatedVMPrices": {"billingCurrency": "USD", "unitOfMeasure": "OneHour", "values": values}}


async def list_vm_sizes(call: Call) -> web.Response:
    """`GET …/locations/{location}/vmSizes`: `MIR` marks sizes for managed online endpoints (recorded)."""
    _require_region(call)
    found = [
        {
            "name": size.name,
            "family": size.family,
            "vCPUs": size.cores,
            "gpus": math.ceil(size.gpus),
            "osVhdSizeMB": 1047552,
            "maxResourceVolumeMB": (size.temp_disk_gib or 0) * 1024,
            "memoryGB": size.memory_gib or 0.0,
            "lowPriorityCapable": True,
            "premiumIO": True,
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance", "MIR"],
            "generation": "gen1",
            "supportsIB": size.infiniband,
            **_prices(size.name),
        }
        for size in sizes()
    ]
    return page(call, found)


ROUTES: list[Route] = [
    ("GET", f"{REGION}/usages", list_usages),
    ("GET", f"{REGION}/quotas", list_quotas),
    ("GET", f"{REGION}/vmSizes", list_vm_sizes),
]
