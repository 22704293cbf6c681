"""Microsoft's own clients ask over many endpoints, where they are installed."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

METRICS = "https://metrics.monitor.azure.com"
NAMESPACE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


def test_with_the_resource_graph_client(sdk_env: None, rehearsal: dict[str, Any], two: list[dict[str, Any]]) -> None:
    client = pytest.importorskip("azure.mgmt.resourcegraph")
    from azure.identity import DefaultAzureCredential

    asked = client.ResourceGraphClient(
        DefaultAzureCredential(), base_url=rehearsal["url"], credential_scopes=[f"{rehearsal['url']}/.default"]
    )
    request = client.models.QueryRequest(
        query=f"resources | where type =~ '{NAMESPACE}' | project id, name",
        subscriptions=[os.environ["AZURE_SUBSCRIPTION_ID"]],
        options=client.models.QueryRequestOptions(top=1, result_format="objectArray"),
    )
    answer = asked.resources(request)
    assert answer.count == 1 and answer.total_records >= 2 and answer.skip_token
    request.options.skip_token, request.options.top = answer.skip_token, 1000
    rest = asked.resources(request)
    assert {item["name"] for item in two} <= {row["name"] for row in (*answer.data, *rest.data)}
    from azure.core.exceptions import HttpResponseError

    with pytest.raises(HttpResponseError) as refused:
        asked.resources(client.models.QueryRequest(query="resources | nonsense"))
    assert refused.value.status_code == 400


def test_with_the_metrics_client(sdk_env: None, rehearsal: dict[str, Any], two: list[dict[str, Any]]) -> None:
    client = pytest.importorskip("azure.monitor.querymetrics")
    from azure.identity import DefaultAzureCredential

    with client.MetricsClient(
        f"{rehearsal['url']}/metrics/eastus", DefaultAzureCredential(), audience=METRICS
    ) as asked:
        results = asked.query_resources(
            resource_ids=[item["id"] for item in two],
            metric_namespace=NAMESPACE,
            metric_names=["RequestsPerMinute"],
            timespan=timedelta(minutes=30),
            granularity=timedelta(minutes=1),
            aggregations=["Average"],
            filter="deployment eq '*' and statusCode eq '424'",
        )
    counted = [
        sum(point.average or 0 for metric in result.metrics for series in metric.timeseries for point in series.data)
        for result in results
    ]
    assert 13 <= counted[0] <= 17 and counted[1] == 0


def test_with_the_monitor_client(
    sdk_env: None, rehearsal: dict[str, Any], two: list[dict[str, Any]], rule: str
) -> None:
    client = pytest.importorskip("azure.mgmt.monitor")
    from azure.identity import DefaultAzureCredential

    asked = client.MonitorManagementClient(
        DefaultAzureCredential(),
        os.environ["AZURE_SUBSCRIPTION_ID"],
        base_url=rehearsal["url"],
        credential_scopes=[f"{rehearsal['url']}/.default"],
    )
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    chosen = f"eventTimestamp ge '{since:%Y-%m-%dT%H:%M:%SZ}' and resourceProvider eq '{NAMESPACE.partition('/')[0]}'"
    found = {event.resource_id.lower() for event in asked.activity_logs.list(filter=chosen)}
    assert {item["id"].lower() for item in two} <= found
    assert rule in {item.name for item in asked.autoscale_settings.list_by_subscription()}
