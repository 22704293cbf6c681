"""Reads the metrics of up to 50 endpoints in one request, from Azure Monitor's host of a region.

Path, parameters and answer are those of Microsoft's description (Metrics Batch, 2023-10-01); the number of resources,
which must be of one subscription, region and type, is from "Migrate from the metrics API to the getBatch API". The
request needs a right to read metrics of the subscription; an identity with a role on a workspace only is refused. Each
metric of an answer has its own error code. Names and dimensions: see `metrics`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from weakref import WeakKeyDictionary

from tui.cloud.errors import CloudError, reading, unreadable
from tui.cloud.http import read_budget, trusted_hosts
from tui.cloud.http.arm import ResourceManager
from tui.cloud.monitor import metrics
from tui.cloud.session import Cloud
from tui.cloud.workspace.listing import each

VERSION = "2023-10-01"
NAMESPACE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
RESOURCES = 50
REFUSED_SECONDS = 600.0
"""How long a host that refused or was not reached is not asked again: a closed network stays closed."""
LIMITS = {"connection_timeout": 3, "read_timeout": 10, "retry_connect": 0, "retry_read": 1}
"""In seconds, and attempts: a firewall may drop what is sent there."""
_AT_ONCE = 4  # of each of the batches that are asked at the same time
_DOING = "reading metrics"
_P95 = metrics.LATENCIES["p95_ms"]
# By identity: hosts and subscriptions, and until when they are not asked.
_refusals: WeakKeyDictionary[Any, dict[tuple[str, str], float]] = WeakKeyDictionary()


@dataclass(frozen=True)
class LastHour(metrics.Measured):
    """An endpoint's last full hour; `by_deployment` has the same three figures."""

    by_deployment: dict[str, tuple[float, float, float | None]]


def last_hour(
    cloud: Cloud, subscription: str, region: str, endpoint_ids: Sequence[str]
) -> dict[str, LastHour | CloudError]:
    """The last hour of endpoints of one subscription and region, by id in lower case; never raises CloudError.

    If the region's host is not known, is not reached or refuses, each endpoint is asked for by itself through Resource
    Manager, under the budget of reads; but not if it is overloaded. An endpoint without metrics has the error instead.
    """
    wanted = list({one.lower(): one for one in endpoint_ids}.values())
    now = datetime.now(timezone.utc)
    span = f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:00Z}/{now:%Y-%m-%dT%H:%M:00Z}"
    host, slow, waited = _host(cloud, region), read_budget.budgeted(cloud), read_budget.counted()
    refusals = _refusals.setdefault(cloud.credential, {})
    door = (host.base if host else "", subscription.lower())

    def single(one: str) -> LastHour | CloudError:
        read_budget.count(waited)  # on a thread of its own
        return _single(slow, one, span)

    def ask(ids: list[str]) -> dict[str, LastHour | CloudError]:
        if host and refusals.get(door, 0.0) < time.monotonic():
            try:
                return _batch(host, subscription, ids, span)
            except CloudError as error:
                if error.status == 429 or (error.status or 0) >= 500:
                    return dict.fromkeys(map(str.lower, ids), error)
                if error.status != 400:  # that is about these endpoints
                    refusals[door] = time.monotonic() + REFUSED_SECONDS
        return dict(zip(map(str.lower, ids), each(single, ids, _AT_ONCE)))

    batches = [wanted[first : first + RESOURCES] for first in range(0, len(wanted), RESOURCES)]
    told: dict[str, LastHour | CloudError] = {}
    # The first one alone, since what refuses it refuses the others.
    for answer in (*map(ask, batches[:1]), *each(ask, batches[1:])):
        told.update(answer)
    return told


def _host(cloud: Cloud, region: str) -> ResourceManager | None:
    """The client of a region's host, with tokens of its own audience from the same credential; None if unknown."""
    name, metadata = region.replace(" ", "").lower(), cloud.metadata
    if not (metadata.metrics and name.isalnum()):
        return None
    return ResourceManager(
        metadata,
        cloud.credential,
        cloud.arm.transport,
        base=metadata.metrics.replace("{region}", name),
        scope=metadata.metrics_scope,
        audience=trusted_hosts.METRICS,
        **LIMITS,
    )


def _batch(host: Any, subscription: str, ids: Sequence[str], span: str) -> dict[str, LastHour | CloudError]:
    start, _, end = span.partition("/")

    def asked(name: str, chosen: str) -> dict[str, dict[str, Any]]:
        """The metric of each resource that the answer has, by id in lower case."""
        query = {
            "starttime": start,
            "endtime": end,
            "interval": "PT1M",
            "metricnamespace": NAMESPACE,
            "metricnames": name,
            "aggregation": "average",
            "filter": chosen,
            "top": metrics.MOST_SERIES,
        }
        path = f"/subscriptions/{subscription}/metrics:getBatch"
        body = host.call("POST", path, VERSION, {"resourceids": ids}, query, _DOING).body
        with reading("metrics of several endpoints"):
            # The id may be missing; the order is that of the request.
            return {str(one.get("resourceid") or ids[place]).lower(): one for place, one in enumerate(body["values"])}

    counted, timed = asked(metrics.REQUESTS, metrics.BY_STATUS), asked(_P95, metrics.BY_DEPLOYMENT)
    with reading("metrics of several endpoints"):
        return {key: _told(counted.get(key), timed.get(key, {})) for key in map(str.lower, ids)}


def _told(counted: dict[str, Any] | None, timed: dict[str, Any]) -> LastHour | CloudError:
    if counted is None:
        return unreadable(_DOING, "", "It has nothing about this endpoint.")
    for one in counted["value"]:
        code = str(one.get("errorCode") or "Success")
        if code != "Success":
            message = str(one.get("errorMessage") or code)
            return CloudError(f"Azure Monitor did not give {metrics.REQUESTS}", message, code=code)
    return _hour(metrics.all_series(counted), metrics.all_series(timed))


def _single(cloud: Cloud, endpoint_id: str, span: str) -> LastHour | CloudError:
    """One endpoint through Resource Manager: a read, and one more for the latency if there were requests."""
    try:
        with reading("metrics"):
            counted = metrics.series_of(cloud, endpoint_id, span, metrics.REQUESTS, metrics.BY_STATUS)
            hour = _hour(counted, [])
            if hour.requests:
                hour = _hour(counted, metrics.series_of(cloud, endpoint_id, span, _P95, metrics.BY_DEPLOYMENT))
            return hour
    except CloudError as error:
        return error


def _hour(counted: Sequence[dict[str, Any]], timed: Sequence[dict[str, Any]]) -> LastHour:
    names = {metrics.dimension(series, "deployment") for series in (*counted, *timed)} - {""}

    def of(name: str) -> tuple[float, float, float | None]:
        own = ([one for one in some if metrics.dimension(one, "deployment") == name] for some in (counted, timed))
        return astuple(metrics.measured(*own))

    by_deployment = {name: of(name) for name in sorted(names)}
    return LastHour(**vars(metrics.measured(counted, timed)), by_deployment=by_deployment)
