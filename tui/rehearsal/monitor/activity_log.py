"""The activity log of the rehearsal: who changed what, with the service's own error for failed operations.

The shape is that of Microsoft's REST reference (Activity Logs - List, 2015-04-01). Azure's log is a few minutes
late; this one is complete at once.
"""

from __future__ import annotations

import itertools
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from tui.rehearsal.arm.errors import ArmError, bad_content, timestamp
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import ENDPOINT
from tui.rehearsal.fleet.resources import RECORDS
from tui.rehearsal.monitor.autoscale_rules import Decision
from tui.rehearsal.service import SERVICE, Service
from tui.rehearsal.store import Resource

KIND = "activityRecords"
MOST = 4000
PAGE = 100
_PROVIDER, _INSIGHTS = "Microsoft.MachineLearningServices", "Microsoft.Insights"
_CHANGES = re.compile(
    r"^(?P<resource>/subscriptions/[^/]+/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.MachineLearningServices"
    r"/workspaces/[^/]+(?P<below>/onlineEndpoints/[^/]+(?:/deployments/[^/]+)?)?)(?:/(?P<does>[^/]+))?/?$",
    re.IGNORECASE,
)
# POST requests that change something or return keys; reading a log is not in Azure's activity log.
_POSTS = ("regeneratekeys", "listkeys", "provisionmanagednetwork")
_WORDS = {
    "workspaces/onlineEndpoints/write": "Create or Update Online Endpoint",
    "workspaces/onlineEndpoints/delete": "Delete Online Endpoint",
    "workspaces/onlineEndpoints/deployments/write": "Create or Update Online Deployment",
    "workspaces/onlineEndpoints/deployments/delete": "Delete Online Deployment",
    "workspaces/onlineEndpoints/listKeys/action": "List Keys of Online Endpoint",
    "workspaces/onlineEndpoints/regenerateKeys/action": "Regenerate Keys of Online Endpoint",
}
_OPERATION = re.compile(r"/mfeOperations(?:Status|Results)/([^/?]+)")
# The Azure CLI sends the times without quotation marks.
_TERM = re.compile(r"(eventTimestamp)\s+(ge|le)\s+'?([^'\s]+)'?|(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)
# What a filter may name beside the time; the last two are sent by the Azure CLI.
_NAMES: dict[str, Callable[[Mapping[str, Any], str], object]] = {
    "resourcegroupname": lambda record, _: record["group"],
    "resourceprovider": lambda record, _: record.get("provider", _PROVIDER),
    "resourceuri": lambda record, _: record["resource"],
    "correlationid": lambda record, _: record["correlation"],
    "caller": lambda record, _: record["caller"],
    "status": lambda _, status: status,
}
KEPT_DAYS = 90
_numbers = itertools.count(int(time.time() * 1000))


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record every request that changes an endpoint, and its response."""
    response = await handler(request)
    found = _CHANGES.match(request.path)
    does = (found["does"] or "").lower() if found else ""
    changes = request.method in ("PUT", "PATCH", "DELETE") and found is not None and found["below"] and not does
    if found is not None and (changes or (request.method == "POST" and does in _POSTS)) and "claims" in request:
        _keep(request.app[SERVICE], request, response, found)
    return response


def _keep(service: Service, request: web.Request, response: web.StreamResponse, found: re.Match[str]) -> None:
    claims: Mapping[str, Any] = request["claims"]
    kinds = found["resource"].split("/providers/")[1].split("/")[1::2]
    verb = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}.get(request.method) or f"{found['does']}/action"
    action = "/".join([*kinds, verb])
    address = response.headers.get("Azure-AsyncOperation") or response.headers.get("Location") or ""
    operation = _OPERATION.search(address)
    record = {
        "time": timestamp(),
        # As Azure spells it, whatever the client wrote.
        "action": next((known for known in _WORDS if known.lower() == action.lower()), action),
        "resource": found["resource"],
        "group": found["group"],
        "caller": str(claims.get("upn") or claims.get("appid") or claims.get("oid") or ""),
        "correlation": str(request.get("id") or uuid.uuid4()),
        "status": response.status,
        "operation": operation[1] if operation else "",
        "error": str(getattr(response, "text", None) or "") if response.status >= 400 else "",
        "method": request.method,
    }
    _put(service, record)


def keep_scaling(
    service: Service, setting: Resource, deployment: Resource, before: int, decision: Decision, *, operation: str = "",
    error: str = "",
) -> None:  # fmt: skip
    """Record that an autoscale setting changes a number of instances, or was refused (category Autoscale)."""
    target = str(deployment.body["id"])
    said = f"The autoscale engine attempting to scale resource '{target}' from {before} instances count to "
    record = {
        "time": timestamp(), "category": "Autoscale", "provider": _INSIGHTS, "caller": _INSIGHTS + "/autoscaleSettings",
        "action": f"AutoscaleSettings/Scale{'up' if decision.count > before else 'down'}/Action",
        "resource": setting.body["id"], "group": setting.id.split("/")[4], "correlation": str(uuid.uuid4()),
        "status": 400 if error else 200, "operation": operation, "error": error, "method": "POST",
        "properties": {
            "Description": f"{said}{decision.count} instances count.", "ResourceName": target,
            "OldInstancesCount": str(before), "NewInstancesCount": str(decision.count),
        },
    }  # fmt: skip
    _put(service, record)


def _put(service: Service, record: Mapping[str, Any]) -> None:
    number = next(_numbers)
    group = str(record["group"]).lower()
    service.store.put(Resource(f"/activity/{number:015d}", KIND, f"/activity/{group}", dict(record)))
    kept = service.store.of_kind(KIND) if number % 100 == 0 else []
    for old in kept[: max(0, len(kept) - MOST)]:
        service.store.delete(old.id)


async def list_values(call: Call) -> web.Response:
    """`GET …/Microsoft.Insights/eventtypes/management/values`: the filter must contain a start time."""
    times, chosen = {"ge": "", "le": "9"}, {}
    for term in re.split(r"\s+and\s+", call.query.get("$filter", ""), flags=re.IGNORECASE):
        found = _TERM.fullmatch(term.strip())
        if found and found[1]:
            times[found[2].lower()] = found[3]
        elif found and found[4].lower() in _NAMES:
            chosen[found[4].lower()] = found[5].lower()
        else:
            raise bad_content(f"the $filter holds '{term}'; it must hold eventTimestamp ge 'START'")
    since, until = times["ge"][:19], times["le"][:19]
    if not since:
        raise bad_content("the $filter must hold eventTimestamp ge 'START'")
    if since < (datetime.now(timezone.utc) - timedelta(days=KEPT_DAYS)).isoformat()[:19]:
        raise ArmError(400, "BadRequest", f"The start time cannot be more than {KEPT_DAYS} days in the past.")
    own = f"/subscriptions/{call['subscription']}/".lower()
    store = call.service.store
    values = [
        (moment, status, kept.body, properties)
        for kept in [*store.of_kind(KIND), *store.children(own.rstrip("/"), RECORDS)]
        if str(kept.body["resource"]).lower().startswith(own)
        for moment, status, properties in _events(call.service, kept.body)
        if since <= moment[:19] <= until
        and all(str(_NAMES[name](kept.body, status)).lower() == value for name, value in chosen.items())
    ]
    values.sort(key=lambda event: event[0], reverse=True)
    selected = [name for name in call.query.get("$select", "").lower().split(",") if name]

    def shown(event: _Happened) -> dict[str, Any]:
        whole = _event(call, *event)
        return {name: whole[name] for name in whole if not selected or name.lower() in selected}

    return page(call, values, PAGE, shown)


# Time, status, the request's record, further properties.
_Happened = tuple[str, str, Mapping[str, Any], Mapping[str, str]]


def _events(service: Service, record: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Azure's events for a request: its start and, once it has ended, its end."""
    begun, code = str(record["time"]), str(record["status"])
    yield begun, "Started", {}
    if record["status"] >= 400:
        yield begun, "Failed", {"statusCode": code, "statusMessage": record["error"]}
    elif not record["operation"]:
        yield begun, "Succeeded", {"statusCode": code}
    else:
        known = service.store.get_operation(str(record["operation"])) or {}
        error = {"statusMessage": json.dumps({"error": known["error"]})} if known.get("error") else {}
        if known.get("status") in ("Succeeded", "Failed", "Canceled"):
            yield known["endTime"], "Succeeded" if known["status"] == "Succeeded" else "Failed", error


def _event(
    call: Call, moment: str, status: str, record: Mapping[str, Any], properties: Mapping[str, str]
) -> dict[str, Any]:
    provider, category = record.get("provider", _PROVIDER), record.get("category", "Administrative")
    action = str(record["action"])
    kind = action.rpartition("/")[0] if category == "Administrative" else "AutoscaleSettings"
    event = ("EndRequest", "End request") if category == "Administrative" else ("AutoscaleAction",) * 2
    kept = f"{record['correlation']}/{status}"
    return {
        "authorization": {"action": f"{provider}/{action}", "scope": record["resource"]},
        "caller": record["caller"],
        "correlationId": record["correlation"],
        "eventDataId": str(uuid.uuid5(uuid.NAMESPACE_URL, kept)),
        "eventName": {"value": event[0], "localizedValue": event[1]},
        "category": {"value": category, "localizedValue": category},
        "eventTimestamp": moment,
        "id": f"{record['resource']}/events/{uuid.uuid5(uuid.NAMESPACE_URL, kept)}",
        "level": "Error" if status == "Failed" else "Informational",
        "operationId": record["correlation"],
        "operationName": {"value": f"{provider}/{action}", "localizedValue": _WORDS.get(action, action)},
        "resourceGroupName": record["group"],
        "resourceProviderName": {"value": provider, "localizedValue": provider},
        "resourceType": {"value": f"{provider}/{kind}"},
        "resourceId": record["resource"],
        "status": {"value": status, "localizedValue": status},
        "subStatus": {"value": "", "localizedValue": ""},
        "submissionTimestamp": moment,
        "subscriptionId": call["subscription"],
        "properties": {**record.get("properties", {}), **properties},
    }


async def list_diagnostics(call: Call) -> web.Response:
    """`GET …/diagnosticSettings` of an endpoint: those that were created."""
    return page(call, [item.body for item in call.service.store.children(_endpoint(call), "diagnosticSettings")])


async def put_diagnostics(call: Call) -> web.Response:
    """`PUT …/diagnosticSettings/{name}`: stored as sent; there is no Log Analytics behind it."""
    endpoint = _endpoint(call)
    if call.service.store.get(endpoint) is None:
        raise ArmError(404, "ResourceNotFound", f"The Resource '{endpoint}' was not found.")
    name = call["setting"]
    properties = {
        "workspaceId": call.body.object("properties").text("workspaceId"),
        "logs": call.body.object("properties").raw("logs") or [],
        "metrics": call.body.object("properties").raw("metrics") or [],
    }
    identity = f"{endpoint}/providers/Microsoft.Insights/diagnosticSettings/{name}"
    body = {
        "id": identity, "name": name, "type": "Microsoft.Insights/diagnosticSettings", "properties": properties,
    }  # fmt: skip
    call.service.store.put(Resource(identity, "diagnosticSettings", endpoint, body))
    return web.json_response(body)


def _endpoint(call: Call) -> str:
    return (
        f"/subscriptions/{call['subscription']}/resourceGroups/{call['group']}/providers/{_PROVIDER}"
        f"/workspaces/{call['workspace']}/onlineEndpoints/{call['endpoint']}"
    )


_SETTINGS = f"{ENDPOINT}/providers/Microsoft.Insights/diagnosticSettings"
ROUTES: list[Route] = [
    ("GET", "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values", list_values),
    ("GET", _SETTINGS, list_diagnostics),
    ("PUT", f"{_SETTINGS}/{{setting}}", put_diagnostics),
]
