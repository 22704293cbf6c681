"""What Azure Monitor has counted of an endpoint's requests.

Names and dimensions are those of Microsoft's list "Supported metrics for Microsoft.MachineLearningServices/workspaces/
onlineEndpoints": RequestsPerMinute with deployment and statusCodeClass, RequestLatency_P95 with deployment, a minute's
grain. The shape of the answer is that of Azure Monitor's REST API (Metrics, List).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud

VERSION = "2018-01-01"
REQUESTS, LATENCY = "RequestsPerMinute", "RequestLatency_P95"


@dataclass(frozen=True)
class Measured:
    """Requests of callers to one deployment: how many, how many failed, and the highest minute's 95th percentile."""

    requests: float
    errors: float
    p95_ms: float | None


def read(cloud: Cloud, endpoint_id: str, deployment: str, since: float) -> Measured | None:
    """What was counted since a moment (seconds since the epoch); metrics arrive a minute or two late.

    None where Azure Monitor does not answer, or not to this identity. Never raises CloudError.
    """
    begin = datetime.fromtimestamp(since, timezone.utc).strftime("%Y-%m-%dT%H:%M:00Z")
    end = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:59Z")
    common = {"timespan": f"{begin}/{end}", "interval": "PT1M", "aggregation": "Average"}
    chosen = f"deployment eq '{deployment}'"
    try:
        counted = _call(
            cloud, endpoint_id, {**common, "metricnames": REQUESTS, "$filter": f"{chosen} and statusCodeClass eq '*'"}
        )
        timed = _call(cloud, endpoint_id, {**common, "metricnames": LATENCY, "$filter": chosen})
    except CloudError:
        return None
    total = errors = 0.0
    for series in _series(counted):
        minutes = sum(float(point.get("average") or 0) for point in series.get("data") or [])
        kinds = [str(item.get("value")) for item in series.get("metadatavalues") or []]
        total += minutes
        if not any(kind.startswith("2") for kind in kinds):
            errors += minutes
    slowest = [
        float(point["average"])
        for series in _series(timed)
        for point in series.get("data") or []
        if point.get("average") is not None
    ]
    return Measured(total, errors, max(slowest) if slowest else None)


def _call(cloud: Cloud, endpoint_id: str, query: dict[str, str]) -> Any:
    path = f"{endpoint_id}/providers/Microsoft.Insights/metrics"
    return cloud.arm.call("GET", path, VERSION, query=query, doing="reading metrics", retry=False).body


def _series(answer: Any) -> list[dict[str, Any]]:
    values = answer.get("value") if isinstance(answer, dict) else None
    return [series for metric in values or [] for series in metric.get("timeseries") or []]
