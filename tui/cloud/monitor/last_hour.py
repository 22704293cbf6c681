"""What Azure Monitor has counted in the last hour: requests by answer, latency, processors and memory.

Names and dimensions are those of Microsoft's lists "Supported metrics for Microsoft.MachineLearningServices/workspaces/
onlineEndpoints" and ".../onlineEndpoints/deployments"; a minute's grain. Metrics arrive a minute or two late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.monitor.metrics import VERSION
from tui.cloud.session import Cloud

REQUESTS = "RequestsPerMinute"
LATENCIES = {"p50_ms": "RequestLatency_P50", "p95_ms": "RequestLatency_P95"}
LOADS = {
    "cpu_percent": "CpuUtilizationPercentage",
    "memory_percent": "CpuMemoryUtilizationPercentage",
    "disk_percent": "DiskUtilization",
}


@dataclass(frozen=True)
class Answers:
    """How one deployment (empty: nobody, the front end refused) answered with one status: how often, minute by minute.

    `minutes` are pairs of ISO 8601 minute and number, those without a request left out.
    """

    deployment: str
    status: str
    count: float
    minutes: tuple[tuple[str, float], ...] = ()


@dataclass
class Hour:
    """The last hour. `latency` by deployment has p50_ms and p95_ms, `load` cpu_percent and so on: the worst minute."""

    begin: str
    end: str
    answers: list[Answers] = field(default_factory=list)
    latency: dict[str, dict[str, float]] = field(default_factory=dict)
    load: dict[str, dict[str, float]] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """All requests of the hour."""
        return sum(found.count for found in self.answers)


def read(cloud: Cloud, endpoint_id: str, deployments: Sequence[str], minutes: int = 60) -> Hour:
    """The metrics of an endpoint and its deployments. Raises CloudError where the endpoint's are not to be had."""
    now = datetime.now(timezone.utc)
    hour = Hour(_minute(now - timedelta(minutes=minutes)), _minute(now + timedelta(minutes=1)))
    counted = _call(cloud, endpoint_id, hour, REQUESTS, "Average", "deployment eq '*' and statusCode eq '*'")
    for series in counted:
        values = _values(series)
        points = tuple((_stamp(at), number) for at, number in values if number)
        if points:
            total = sum(number for _, number in points)
            hour.answers.append(
                Answers(_dimension(series, "deployment"), _dimension(series, "statusCode"), round(total, 2), points)
            )
    for key, name in LATENCIES.items():
        for series in _quietly(cloud, endpoint_id, hour, name, "deployment eq '*'"):
            worst = max((number for _, number in _values(series)), default=None)
            if worst is not None:
                hour.latency.setdefault(_dimension(series, "deployment"), {})[key] = round(worst, 1)
    for deployment in deployments:
        for key, name in LOADS.items():
            for series in _quietly(cloud, f"{endpoint_id}/deployments/{deployment}", hour, name, ""):
                worst = max((number for _, number in _values(series)), default=None)
                if worst is not None:
                    hour.load.setdefault(deployment, {})[key] = round(worst, 1)
    return hour


def _quietly(cloud: Cloud, resource: str, hour: Hour, name: str, chosen: str) -> list[dict[str, Any]]:
    """As `_call`; nothing where it is not to be had, because the requests say more than these."""
    try:
        return _call(cloud, resource, hour, name, "Average", chosen)
    except CloudError:
        return []


def _call(cloud: Cloud, resource: str, hour: Hour, name: str, how: str, chosen: str) -> list[dict[str, Any]]:
    query = {"timespan": f"{hour.begin}/{hour.end}", "interval": "PT1M", "aggregation": how, "metricnames": name}
    if chosen:
        query["$filter"] = chosen
    path = f"{resource}/providers/Microsoft.Insights/metrics"
    answer = cloud.arm.call("GET", path, VERSION, query=query, doing="reading metrics").body
    values = answer.get("value") if isinstance(answer, dict) else None
    return [series for metric in values or [] for series in metric.get("timeseries") or []]


def _values(series: dict[str, Any]) -> list[tuple[str, float]]:
    found = []
    for point in series.get("data") or []:
        if point.get("average") is not None:
            found.append((str(point.get("timeStamp") or ""), float(point["average"])))
    return found


def _dimension(series: dict[str, Any], name: str) -> str:
    for item in series.get("metadatavalues") or []:
        if str((item.get("name") or {}).get("value") or "").lower() == name.lower():
            return str(item.get("value") or "")
    return ""


def _stamp(text: str) -> str:
    return text[:16] + "Z" if len(text) >= 16 else text


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:00Z")
