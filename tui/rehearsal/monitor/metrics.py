"""The metrics of the rehearsal: requests of the scoring front end by status, and their latency.

Names and dimensions as in Microsoft's list of supported metrics for onlineEndpoints; the shape is that of Azure Monitor
(Metrics - List, 2018-01-01). Requests and latencies are real. Metrics of a virtual machine (CPU, memory, disk) have no
values here. Counts start with the rehearsal.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from datetime import datetime, timezone
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tui.rehearsal.arm.errors import bad_content
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.resource_paths import DEPLOYMENT, ENDPOINT
from tui.rehearsal.serving.front_end import PIN

KEPT_MINUTES = 24 * 60
UNITS = {
    "RequestsPerMinute": "Count",
    "RequestLatency": "Milliseconds",
    "RequestLatency_P50": "Milliseconds",
    "RequestLatency_P90": "Milliseconds",
    "RequestLatency_P95": "Milliseconds",
    "RequestLatency_P99": "Milliseconds",
    "NewConnectionsPerSecond": "CountPerSecond",
    "ConnectionsActive": "Count",
    "NetworkBytes": "BytesPerSecond",
    "CpuUtilizationPercentage": "Percent",
    "CpuMemoryUtilizationPercentage": "Percent",
    "DiskUtilization": "Percent",
    "DeploymentCapacity": "Count",
}
_ENDPOINT_NAME = re.compile(r"^/endpoints/([^/]+)/", re.IGNORECASE)
_EQUALS = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)


class Counts:
    """The requests of the last day, by minute."""

    def __init__(self) -> None:
        self._found: dict[Any, list[float]] = defaultdict(list)

    def add(self, endpoint: str, deployment: str, status: int, model_status: str, milliseconds: float) -> None:
        """Count one request."""
        minute = int(time.time() // 60)
        self._found[(minute, endpoint.lower(), deployment, str(status), model_status)].append(milliseconds)
        for key in [key for key in self._found if key[0] < minute - KEPT_MINUTES]:
            del self._found[key]

    def of(self, endpoint: str) -> list[tuple[int, dict[str, str], list[float]]]:
        """Minute, dimensions and milliseconds of an endpoint's requests."""
        return [
            (
                key[0],
                {
                    "deployment": key[2],
                    "statusCode": key[3],
                    "statusCodeClass": f"{key[3][:1]}xx",
                    "modelStatusCode": key[4],
                },
                values,
            )
            for key, values in self._found.items()
            if key[1] == endpoint.lower()
        ]


COUNTS: web.AppKey[Counts] = web.AppKey("counts", Counts)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every scoring request by its response."""
    found = _ENDPOINT_NAME.match(request.path)
    if found is None:
        return await handler(request)
    started = time.perf_counter()
    response = await handler(request)
    took = (time.perf_counter() - started) * 1000
    headers = response.headers
    model = headers.get("ms-azureml-model-error-statuscode") or (str(response.status) if headers.get(PIN) else "")
    request.app[COUNTS].add(found[1], headers.get(PIN, ""), response.status, model, took)
    return response


async def read(call: Call) -> web.Response:
    """`GET …/providers/Microsoft.Insights/metrics` of an endpoint or a deployment."""
    wanted = [name for name in call.query.get("metricnames", "RequestsPerMinute").split(",") if name]
    unknown = [name for name in wanted if name not in UNITS]
    if unknown:
        raise bad_content(f"Failed to find metric configuration for metric: {unknown[0]}")
    begin, _, end = call.query.get("timespan", "").partition("/")
    chosen = {name.lower(): value for name, value in _EQUALS.findall(call.query.get("$filter", ""))}
    if "deployment" in call.parameters:
        chosen["deployment"] = call["deployment"]
    rows = call.request.app[COUNTS].of(call["endpoint"])
    first, last = _minutes(begin, int(time.time() // 60) - 60), _minutes(end, int(time.time() // 60))
    rows = [row for row in rows if first <= row[0] <= last]
    resource = call.request.path.partition("/providers/Microsoft.Insights")[0]
    return web.json_response(
        {
            "cost": max(0, last - first),
            "timespan": f"{begin}/{end}",
            "interval": call.query.get("interval", "PT1M"),
            "namespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
            "resourceregion": "eastus",
            "value": [_metric(resource, name, rows, chosen, first, last) for name in wanted],
        }
    )


def _metric(resource: str, name: str, rows: list[Any], chosen: dict[str, str], first: int, last: int) -> dict[str, Any]:
    apart = [dimension for dimension in ("deployment", "statusCode", "statusCodeClass", "modelStatusCode")
             if chosen.get(dimension.lower()) is not None]  # fmt: skip
    series: dict[tuple[str, ...], dict[int, list[float]]] = {}
    measured = name.startswith("Request")
    for minute, dimensions, values in rows if measured else ():
        if any(
            wanted not in ("*", dimensions.get(dimension))
            for dimension in apart
            if (wanted := chosen[dimension.lower()]) is not None
        ):
            continue
        key = tuple(dimensions[dimension] for dimension in apart)
        series.setdefault(key, {}).setdefault(minute, []).extend(values)
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "unit": UNITS[name],
        "errorCode": "Success",
        "timeseries": [
            {
                "metadatavalues": [
                    {"name": {"value": dimension.lower(), "localizedValue": dimension.lower()}, "value": value}
                    for dimension, value in zip(apart, key)
                ],
                "data": [_point(name, minute, found.get(minute)) for minute in range(first, last + 1)],
            }
            for key, found in sorted(series.items())
        ],
    }


def _point(name: str, minute: int, values: list[float] | None) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(minute * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:00Z")
    if not values:
        return {"timeStamp": stamp}
    if name == "RequestsPerMinute":
        return {"timeStamp": stamp, "average": float(len(values))}
    ordered = sorted(values)
    share = {"RequestLatency_P50": 0.5, "RequestLatency_P90": 0.9, "RequestLatency_P95": 0.95,
             "RequestLatency_P99": 0.99}.get(name)  # fmt: skip
    number = sum(ordered) / len(ordered) if share is None else ordered[min(len(ordered) - 1, int(len(ordered) * share))]
    return {"timeStamp": stamp, "average": round(number, 2)}


def _minutes(text: str, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(text[:19] + "+00:00").timestamp() // 60)
    except ValueError:
        return otherwise


ROUTES: list[Route] = [
    ("GET", f"{place}/providers/Microsoft.Insights/metrics", read) for place in (ENDPOINT, DEPLOYMENT)
]
