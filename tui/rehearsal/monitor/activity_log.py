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
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tui.rehearsal.arm.errors import ArmError, bad_content, timestamp
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.resource_paths import ENDPOINT
from tui.rehearsal.service import SERVICE, Service
from tui.rehearsal.store import Resource

KIND = "activityRecords"
MOST = 400
PAGE = 100
_PROVIDER = "Microsoft.MachineLearningServices"
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
_FILTER = re.compile(r"(\w+)\s+(eq|ge|le)\s+'?([^'\s]*)", re.IGNORECASE)
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
    address = response.headers.get("Azure-AsyncOperation") or response.headers.get("Location") or ""
    operation = _OPERATION.search(address)
    record = {
        "time": timestamp(),
        "action": "/".join([*kinds, verb]),
        "resource": found["resource"],
        "group": found["group"],
        "caller": str(claims.get("upn") or claims.get("appid") or claims.get("oid") or ""),
        "correlation": str(request.get("id") or uuid.uuid4()),
        "status": response.status,
        "operation": operation[1] if operation else "",
        "error": str(getattr(response, "text", None) or "") if response.status >= 400 else "",
        "method": request.method,
    }
    service.store.put(Resource(f"/activity/{next(_numbers):015d}", KIND, f"/activity/{found['group'].lower()}", record))
    kept = service.store.of_kind(KIND)
    for old in kept[: max(0, len(kept) - MOST)]:
        service.store.delete(old.id)


async def list_values(call: Call) -> web.Response:
    """`GET …/Microsoft.Insights/eventtypes/management/values`: the filter must contain a start time."""
    chosen = {(name.lower(), how.lower()): value for name, how, value in _FILTER.findall(call.query.get("$filter", ""))}
    since = chosen.get(("eventtimestamp", "ge"))
    if not since:
        raise bad_content("the $filter must hold eventTimestamp ge 'START'")
    group = chosen.get(("resourcegroupname", "eq"), "").lower()
    resource = chosen.get(("resourceuri", "eq"), "").lower()
    own = f"/subscriptions/{call['subscription']}/".lower()
    values = []
    for kept in call.service.store.of_kind(KIND):
        record = kept.body
        key = str(record["resource"]).lower()
        if not key.startswith(own) or (group and str(record["group"]).lower() != group) or resource not in ("", key):
            continue
        values += [event for event in _events(call, record) if event["eventTimestamp"][:19] >= since[:19]]
    values.sort(key=lambda event: str(event["eventTimestamp"]), reverse=True)
    return page(call, values, PAGE)


def _events(call: Call, record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Azure's events for a request: its start and its end."""
    events = [_event(call, record, "Started", str(record["time"]), {})]
    if record["status"] >= 400:
        said = {"statusCode": str(record["status"]), "statusMessage": record["error"]}
        return [*events, _event(call, record, "Failed", str(record["time"]), said)]
    if not record["operation"]:
        return [*events, _event(call, record, "Succeeded", str(record["time"]), {"statusCode": str(record["status"])})]
    known = call.service.store.get_operation(str(record["operation"])) or {}
    status = str(known.get("status") or "")
    if status in ("Succeeded", "Failed", "Canceled"):
        error = {"statusMessage": json.dumps({"error": known["error"]})} if known.get("error") else {}
        events.append(_event(call, record, "Succeeded" if status == "Succeeded" else "Failed", known["endTime"], error))
    return events


def _event(
    call: Call, record: Mapping[str, Any], status: str, moment: str, properties: Mapping[str, str]
) -> dict[str, Any]:
    action = str(record["action"])
    kept = f"{record['correlation']}/{status}"
    return {
        "authorization": {"action": f"{_PROVIDER}/{action}", "scope": record["resource"]},
        "caller": record["caller"],
        "channels": "Operation",
        "correlationId": record["correlation"],
        "eventDataId": str(uuid.uuid5(uuid.NAMESPACE_URL, kept)),
        "eventName": {"value": "EndRequest", "localizedValue": "End request"},
        "category": {"value": "Administrative", "localizedValue": "Administrative"},
        "eventTimestamp": moment,
        "id": f"{record['resource']}/events/{uuid.uuid5(uuid.NAMESPACE_URL, kept)}",
        "level": "Error" if status == "Failed" else "Informational",
        "operationId": record["correlation"],
        "operationName": {"value": f"{_PROVIDER}/{action}", "localizedValue": _WORDS.get(action, action)},
        "resourceGroupName": record["group"],
        "resourceProviderName": {"value": _PROVIDER, "localizedValue": _PROVIDER},
        "resourceType": {"value": f"{_PROVIDER}/{action.rpartition('/')[0]}"},
        "resourceId": record["resource"],
        "status": {"value": status, "localizedValue": status},
        "subStatus": {"value": "", "localizedValue": ""},
        "submissionTimestamp": moment,
        "subscriptionId": call["subscription"],
        "properties": dict(properties),
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
