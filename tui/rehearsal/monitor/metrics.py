"""The metrics of the rehearsal: requests of the scoring front end by status, and their latency.

Names and dimensions as in Microsoft's list of supported metrics for onlineEndpoints; the shape is that of Azure Monitor
(Metrics - List, 2018-01-01). Requests and latencies are real. Metrics of a virtual machine (CPU, memory, disk) have no
values here. Counts start with the rehearsal.
"""

from __future__ import annotations

import math
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from tui.rehearsal.arm.errors import bad_content
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.resource_paths import DEPLOYMENT, ENDPOINT
from tui.rehearsal.fleet.seeded import requests_of
from tui.rehearsal.service import SERVICE
from tui.rehearsal.serving.front_end import PIN

KEPT_MINUTES = 24 * 60
PER_MINUTE = "RequestsPerMinute"
UNITS = {
    PER_MINUTE: "Count",
    "RequestLatency": "MilliSeconds",
    "RequestLatency_P50": "MilliSeconds",
    "RequestLatency_P90": "MilliSeconds",
    "RequestLatency_P95": "MilliSeconds",
    "RequestLatency_P99": "MilliSeconds",
    "NewConnectionsPerSecond": "CountPerSecond",
    "ConnectionsActive": "Count",
    "NetworkBytes": "BytesPerSecond",
    "CpuUtilizationPercentage": "Percent",
    "CpuMemoryUtilizationPercentage": "Percent",
    "DiskUtilization": "Percent",
    "DeploymentCapacity": "Count",
}
# Minute since 1970, dimensions, and the milliseconds of each request.
Row = tuple[int, dict[str, str], list[float]]
_ENDPOINT_NAME = re.compile(r"^/endpoints/([^/]+)/", re.IGNORECASE)
_EQUALS = re.compile(r"(\w+)\s+eq\s+'([^']*)'", re.IGNORECASE)


class Counts:
    """The requests of the last day, by minute; `minute` tells the current one."""

    def __init__(self, minute: Callable[[], int] = lambda: int(time.time() // 60)) -> None:
        self._minute, self._newest = minute, 0
        self._found: dict[Any, list[float]] = defaultdict(list)

    def add(self, endpoint: str, deployment: str, status: int, model_status: str, milliseconds: float) -> None:
        """Count one request."""
        minute = self._minute()
        self._found[(minute, endpoint.lower(), deployment, str(status), model_status)].append(milliseconds)
        if minute == self._newest:
            return
        self._newest = minute
        for key in [key for key in self._found if key[0] < minute - KEPT_MINUTES]:
            del self._found[key]

    def of(self, endpoint: str) -> list[Row]:
        """The rows of an endpoint's requests."""
        return [
            (key[0], _dimensions(*key[2:]), values) for key, values in self._found.items() if key[1] == endpoint.lower()
        ]


def _dimensions(deployment: str, status: str, model_status: str) -> dict[str, str]:
    return {
        "deployment": deployment,
        "statusCode": status,
        "statusCodeClass": f"{status[:1]}xx",
        "modelStatusCode": model_status,
    }


COUNTS: web.AppKey[list[Counts]] = web.AppKey("counts", list)
"""By the clock's minutes, and by those of the pace, for autoscale."""


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
    for counts in request.app[COUNTS]:
        counts.add(found[1], headers.get(PIN, ""), response.status, model, took)
    return response


def measured(app: web.Application, endpoint_id: str, within: tuple[int, int]) -> list[Row]:
    """Minute, dimensions and milliseconds of an endpoint's requests, from minute to minute since 1970.

    Those of the scoring front end, and those that are stated of a fleet's endpoint (`requests` a minute) and deployment
    (`failing`: the share of its requests with 424, and `p95_ms`) without any call.
    """
    first, last = within
    rows = [row for row in app[COUNTS][0].of(endpoint_id.rpartition("/")[2]) if first <= row[0] <= last]
    for deployment in app[SERVICE].store.children(endpoint_id, "deployments"):
        every, stated = requests_of(app[SERVICE].store, deployment), deployment.internal.get("fleet", {})
        for minute in range(first, min(last, int(time.time() // 60)) + 1) if every else ():
            total, errors = (
                int((minute + 1) * rate) - int(minute * rate) for rate in (every, every * stated["failing"])
            )
            for status, count in (("200", max(0, total - errors)), ("424", errors)):
                # The slowest twentieth is as slow as stated, so that the percentile is exact.
                fast = int(count * 0.95) if status == "200" else 0
                took = [stated["p95_ms"] / 2] * fast + [stated["p95_ms"]] * (count - fast)
                rows += [(minute, _dimensions(deployment.name, status, status), took)] if count else []
    return rows


async def read(call: Call) -> web.Response:
    """`GET …/providers/Microsoft.Insights/metrics` of an endpoint or a deployment."""
    wanted = [name for name in call.query.get("metricnames", PER_MINUTE).split(",") if name]
    unknown = [name for name in wanted if name not in UNITS]
    if unknown:
        raise bad_content(f"Failed to find metric configuration for metric: {unknown[0]}")
    begin, _, end = call.query.get("timespan", "").partition("/")
    resource = call.request.path.partition("/providers/Microsoft.Insights")[0]
    within = span(begin, end)
    rows = measured(call.request.app, resource.partition("/deployments/")[0], within)
    query = {**call.query, "filter": call.query.get("$filter", "")}
    return web.json_response(
        {
            "cost": max(0, within[1] - within[0]),
            "timespan": f"{begin}/{end}",
            "interval": call.query.get("interval", "PT1M"),
            "namespace": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
            "resourceregion": "eastus",
            "value": metrics_of(resource, wanted, rows, query, within),
        }
    )


def metrics_of(
    resource: str, names: Sequence[str], rows: list[Row], query: Mapping[str, str], within: tuple[int, int]
) -> list[dict[str, Any]]:
    """The metrics of an endpoint or a deployment, by its id; `query` may hold `filter` and `top`.

    With a filter at most `top` series come, 10 if it is not said (documented); without one there is one series.
    """
    chosen = {name.lower(): value for name, value in _EQUALS.findall(query.get("filter", ""))}
    most = int(query["top"][:9]) if query.get("top", "").isdecimal() else 10
    deployment = re.search("/deployments/([^/]+)$", resource, re.IGNORECASE)
    if deployment:
        chosen["deployment"] = deployment[1]
    return [_metric(resource, name, rows, chosen, within, most) for name in names]


def _metric(
    resource: str, name: str, rows: list[Row], chosen: dict[str, str], within: tuple[int, int], most: int
) -> dict[str, Any]:
    apart = [dimension for dimension in ("deployment", "statusCode", "statusCodeClass", "modelStatusCode")
             if chosen.get(dimension.lower()) is not None]  # fmt: skip
    series: dict[tuple[str, ...], dict[int, list[float]]] = {}
    for minute, dimensions, values in rows if name.startswith("Request") else ():
        if all(chosen[dimension.lower()] in ("*", dimensions[dimension]) for dimension in apart):
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
                "data": [_point(name, minute, found.get(minute)) for minute in range(within[0], within[1] + 1)],
            }
            for key, found in sorted(series.items())[:most]
        ],
    }


def _point(name: str, minute: int, values: list[float] | None) -> dict[str, Any]:
    stamp = datetime.fromtimestamp(minute * 60, timezone.utc).strftime("%Y-%m-%dT%H:%M:00Z")
    if not values:
        return {"timeStamp": stamp}
    return {"timeStamp": stamp, "average": round(figure(name, values), 2)}


def figure(name: str, values: list[float]) -> float:
    """A metric of the requests of a minute, from the milliseconds of each; there is at least one."""
    if name == PER_MINUTE:
        return float(len(values))
    ordered = sorted(values)
    share = {"RequestLatency_P50": 0.5, "RequestLatency_P90": 0.9, "RequestLatency_P95": 0.95,
             "RequestLatency_P99": 0.99}.get(name)  # fmt: skip
    return sum(ordered) / len(ordered) if share is None else ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def span(begin: str, end: str) -> tuple[int, int]:
    """First and last minute since 1970 of a time in ISO 8601, UTC, whose end does not belong to it; else the last hour.

    Not more than is kept.
    """
    last = math.ceil(_seconds(end, time.time()) / 60) - 1
    return max(int(_seconds(begin, (last - 59) * 60) // 60), last - KEPT_MINUTES), last


def _seconds(text: str, otherwise: float) -> float:
    try:
        return datetime.fromisoformat(text[:19] + "+00:00").timestamp()
    except ValueError:
        return otherwise


ROUTES: list[Route] = [
    ("GET", f"{place}/providers/Microsoft.Insights/metrics", read) for place in (ENDPOINT, DEPLOYMENT)
]
