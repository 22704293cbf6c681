"""Metrics of many resources with one request: Azure Monitor's own host in a region, which takes tokens only for itself.

The shape is that of Microsoft's description of the API (metricBatch, 2023-10-01 and 2024-02-01); the limits (50
resources of one subscription, region and type) are from its page "Migrate from the metrics API to the getBatch API".
The path /metrics/REGION stands for the host, and the clouds' metadata name it.
"""

from __future__ import annotations

import re
import time

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, not_authorized
from tui.rehearsal.arm.front import bearer_claims, read_body
from tui.rehearsal.arm.resource_paths import PROVIDER
from tui.rehearsal.monitor.metrics import UNITS, measured, metrics_of, span
from tui.rehearsal.service import SERVICE

PATH = "/metrics/{region}/subscriptions/{subscription}/metrics:getBatch"
MOST = 50
AUDIENCE = "https://metrics.monitor.azure.com"
_RESOURCE = re.compile(
    rf"^/subscriptions/([^/]+)/resourceGroups/[^/]+/providers/({re.escape(PROVIDER)}/workspaces)/[^/]+"
    r"(/onlineEndpoints)/([^/]+)(?:(/deployments)/[^/]+)?$",
    re.IGNORECASE,
)


def _bad(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)


async def get_batch(request: web.Request) -> web.Response:
    """`POST …/metrics:getBatch`. Raises ArmError 400, 401 and 403."""
    service, region = request.app[SERVICE], request.match_info["region"].lower()
    claims, subscription = bearer_claims(service, request, (AUDIENCE,)), request.match_info["subscription"].lower()
    if not service.rights.of(claims).allow("Microsoft.Insights/metrics/read"):
        raise not_authorized(claims, "Microsoft.Insights/metrics/read", f"/subscriptions/{subscription}")
    query = {name.lower(): value for name, value in request.query.items()}
    ids = (await read_body(request)).raw("resourceids")
    if not isinstance(ids, list) or not 1 <= len({str(item).lower() for item in ids}) == len(ids) <= MOST:
        raise _bad(f"resourceids must hold from 1 to {MOST} unique resource ids.")
    namespace = query.get("metricnamespace", "")
    resources = []
    for item in ids:
        found = _RESOURCE.match(str(item))
        kind = "".join(part or "" for part in found.group(2, 3, 5)) if found else ""
        if found is None or found[1].lower() != subscription or kind.lower() != namespace.lower():
            raise _bad("All resources must be of the subscription of the request and of the type of metricnamespace.")
        if service.workspaces.of(found[0]).location != region:
            raise _bad(f"All resources must be in the region of the request, {region}.")
        resources.append(found)
    names = [name for name in query.get("metricnames", "").split(",") if name]
    if not names or any(name not in UNITS for name in names):
        raise _bad(f"Failed to find metric configuration for provider: {namespace}, metric: {names}.")
    if query.get("interval", "PT1M") != "PT1M" or ("endtime" in query and "starttime" not in query):
        raise _bad("The rehearsal has minutes only (PT1M), and endtime needs starttime.")
    within = first, last = span(query.get("starttime", ""), query.get("endtime", ""))
    begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(minute * 60)) for minute in (first, last + 1))
    same = {"starttime": begin, "endtime": end, "interval": "PT1M", "namespace": namespace, "resourceregion": region}
    values = []
    for found in resources:
        rows = measured(request.app, found[0][: found.end(4)], within)
        values.append({**same, "resourceid": found[0], "value": metrics_of(found[0], names, rows, query, within)})
    return web.json_response({"values": values})


ROUTES = [web.post(PATH, get_batch)]
