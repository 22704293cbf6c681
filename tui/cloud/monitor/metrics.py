"""Reads metrics from Azure Monitor: requests by status, latency, CPU and memory.

Names and dimensions are from Microsoft's lists "Supported metrics for Microsoft.MachineLearningServices/workspaces/
onlineEndpoints" and ".../onlineEndpoints/deployments"; with a grain of one minute. The format of the response is
that of Azure Monitor's REST API (Metrics, List). Metrics are a minute or two late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud

VERSION = "2018-01-01"
REQUESTS = "RequestsPerMinute"
BY_STATUS, BY_DEPLOYMENT = "deployment eq '*' and statusCode eq '*'", "deployment eq '*'"
MOST_SERIES = "1000"
"""With a filter, only 10 are returned unless more are asked for (`top` of Metrics - List and of getBatch)."""
LATENCIES = {"p50_ms": "RequestLatency_P50", "p95_ms": "RequestLatency_P95"}
LOADS = {
    "cpu_percent": "CpuUtilizationPercentage",
    "memory_percent": "CpuMemoryUtilizationPercentage",
    "disk_percent": "DiskUtilization",
}


@dataclass(frozen=True)
class Measured:
    """Callers' requests to one deployment: number, failures, and p95 latency of the slowest minute."""

    requests: float
    errors: float
    p95_ms: float | None


@dataclass(frozen=True)
class Answers:
    """Responses of one deployment with one status, by minute; an empty deployment means the front end refused.

    `minutes` are pairs of ISO 8601 minute and number, without minutes that have no request.
    """

    deployment: str
    status: str
    count: float
    minutes: tuple[tuple[str, float], ...] = ()


@dataclass
class Hour:
    """The last hour, by deployment: `latency` has p50_ms and p95_ms, `load` cpu_percent and so on (worst minute)."""

    begin: str
    end: str
    answers: list[Answers] = field(default_factory=list)
    latency: dict[str, dict[str, float]] = field(default_factory=dict)
    load: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """The number of requests in the hour."""
        return sum(found.count for found in self.answers)


def since(cloud: Cloud, endpoint_id: str, deployment: str, begin: float) -> Measured | None:
    """A deployment's requests since a moment (seconds since the epoch), without those with a wrong key or token.

    Those are refused by the front end; a model's own 401 and 403 are counted as 424. None if Azure Monitor does not
    answer or refuses this identity. Never raises CloudError.
    """
    span = _span(datetime.fromtimestamp(begin, timezone.utc))
    chosen = f"deployment eq '{deployment}'"
    by_status = f"{chosen} and statusCode eq '*'"
    try:
        counted = series_of(cloud, endpoint_id, span, REQUESTS, by_status, retry=False)
        timed = series_of(cloud, endpoint_id, span, LATENCIES["p95_ms"], chosen, retry=False)
    except CloudError:
        return None
    return measured(counted, timed)


def measured(counted: Sequence[dict[str, Any]], timed: Sequence[dict[str, Any]]) -> Measured:
    """What series of requests by status and of p95 latencies say, without what the front end refused (401, 403)."""
    by_code = [(dimension(series, "statusCode"), sum(number for _, number in _values(series))) for series in counted]
    counts = [(status, count) for status, count in by_code if status not in ("401", "403")]
    return Measured(
        requests=sum(count for _, count in counts),
        errors=sum(count for status, count in counts if not status.startswith("2")),
        p95_ms=_worst(timed),
    )


def last_hour(cloud: Cloud, endpoint_id: str, deployments: Sequence[str], minutes: int = 60) -> Hour:
    """The metrics of an endpoint and its deployments. Raises CloudError if the endpoint's metrics are unavailable."""
    span = _span(datetime.now(timezone.utc) - timedelta(minutes=minutes))
    begin, _, end = span.partition("/")
    hour = Hour(begin, end)

    def quietly(resource: str, name: str, chosen: str) -> list[dict[str, Any]]:
        """A less important metric; empty if it is unavailable."""
        try:
            return series_of(cloud, resource, span, name, chosen)
        except CloudError:
            return []

    for series in series_of(cloud, endpoint_id, span, REQUESTS, BY_STATUS):
        points = tuple((at[:16] + "Z" if len(at) >= 16 else at, number) for at, number in _values(series) if number)
        if points:
            total = round(sum(number for _, number in points), 2)
            hour.answers.append(
                Answers(dimension(series, "deployment"), dimension(series, "statusCode"), total, points)
            )
    for key, name in LATENCIES.items():
        for series in quietly(endpoint_id, name, BY_DEPLOYMENT):
            _note(hour.latency, dimension(series, "deployment"), key, [series])
    for deployment in deployments:
        for key, name in LOADS.items():
            _note(hour.load, deployment, key, quietly(f"{endpoint_id}/deployments/{deployment}", name, ""))
    return hour


def _span(begin: datetime) -> str:
    """The time span from a moment to the end of this minute, in Azure Monitor's format."""
    end = datetime.now(timezone.utc) + timedelta(minutes=1)
    return f"{begin:%Y-%m-%dT%H:%M:00Z}/{end:%Y-%m-%dT%H:%M:00Z}"


def series_of(
    cloud: Cloud, resource: str, span: str, name: str, chosen: str, *, retry: bool = True
) -> list[dict[str, Any]]:
    """One metric of a resource, minute by minute; `chosen` is a filter of dimensions. Raises CloudError."""
    query = {"timespan": span, "interval": "PT1M", "aggregation": "Average", "metricnames": name}
    if chosen:
        query.update({"$filter": chosen, "top": MOST_SERIES})
    path = f"{resource}/providers/Microsoft.Insights/metrics"
    answer = cloud.arm.call("GET", path, VERSION, query=query, doing="reading metrics", retry=retry).body
    return all_series(answer if isinstance(answer, dict) else {})


def all_series(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The series of all metrics of a resource."""
    return [series for metric in answer.get("value") or [] for series in metric.get("timeseries") or []]


def _values(series: dict[str, Any]) -> list[tuple[str, float]]:
    """The minutes of a series with their values."""
    return [
        (str(point.get("timeStamp") or ""), float(point["average"]))
        for point in series.get("data") or []
        if point.get("average") is not None
    ]


def _worst(found: Sequence[dict[str, Any]]) -> float | None:
    return max((number for series in found for _, number in _values(series)), default=None)


def _note(table: dict[str, dict[str, float]], deployment: str, key: str, found: list[dict[str, Any]]) -> None:
    worst = _worst(found)
    if worst is not None:
        table.setdefault(deployment, {})[key] = round(worst, 1)


def dimension(series: dict[str, Any], name: str) -> str:
    """The value of a dimension by which a series is split; empty if it is not split by it."""
    for item in series.get("metadatavalues") or []:
        if str((item.get("name") or {}).get("value") or "").lower() == name.lower():
            return str(item.get("value") or "")
    return ""
