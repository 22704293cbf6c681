"""What an operator reads and mends, against a service that answers as Microsoft's REST reference says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.checks.troubleshoot.apply_fix import apply_fix
from tui.cloud.endpoints import scaling
from tui.cloud.errors import CloudError
from tui.cloud.monitor import activity_log, log_analytics, metrics

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
LOGS = "/subscriptions/s/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/kept"


def record(status: str, resource: str = ENDPOINT, **more: Any) -> dict[str, Any]:
    return {
        "eventTimestamp": more.pop("time", "2026-11-23T10:00:00.0000000Z"),
        "operationName": {"value": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write"},
        "status": {"value": status},
        "caller": "ann@contoso.com",
        "correlationId": "c-1",
        "resourceId": resource,
        **more,
    }


def test_the_activity_log_tells_an_operation_once_with_its_end_and_its_error(service: Service, cloud: Any) -> None:
    message = json.dumps({"error": {"code": "BadRequest", "message": "Not enough quota available."}})
    values = [
        record("Started"),
        record(
            "Failed", time="2026-11-23T10:01:00Z", properties={"statusCode": "BadRequest", "statusMessage": message}
        ),
        record("Succeeded", f"{WORKSPACE.id}/onlineEndpoints/churn-other", correlationId="c-2"),
        record("Succeeded", WORKSPACE.id.upper(), correlationId="c-3"),
    ]
    service.on("GET", "eventtypes/management/values", Reply(body={"value": values}))
    found = activity_log.recent(cloud, ENDPOINT)
    assert [(change.status, change.name.lower()) for change in found] == [
        ("Failed", "churn"),
        ("Succeeded", "workspace"),
    ]
    assert (found[0].code, found[0].message) == ("BadRequest", "Not enough quota available.")
    assert found[0].caller == "ann@contoso.com"
    (asked,) = [path for _, path, _, _ in service.requests if "eventtypes" in path]
    assert "resourceGroupName" in asked
    assert "eventTimestamp" in asked


def series(value: float, **dimensions: str) -> dict[str, Any]:
    return {
        "metadatavalues": [{"name": {"value": name}, "value": text} for name, text in dimensions.items()],
        "data": [{"timeStamp": "2026-11-23T10:00:00Z", "average": value}, {"timeStamp": "2026-11-23T10:01:00Z"}],
    }


def test_metrics_of_the_last_hour(service: Service, cloud: Any) -> None:
    def metric(*found: dict[str, Any]) -> Reply:
        return Reply(body={"value": [{"timeseries": list(found)}]})

    service.on("GET", "Microsoft.Insights/metrics", Reply(400, {"error": {"code": "BadRequest", "message": "no"}}))
    service.on("GET", "metricnames=RequestLatency_P95", metric(series(950.0, deployment="blue")))
    service.on(
        "GET",
        "metricnames=RequestsPerMinute",
        metric(series(4.0, deployment="blue", statuscode="200"), series(2.0, deployment="blue", statuscode="429")),
    )
    hour = metrics.last_hour(cloud, ENDPOINT, ["blue"])
    assert {(found.status, found.count) for found in hour.answers} == {("200", 4.0), ("429", 2.0)}
    assert hour.answers[0].minutes == (("2026-11-23T10:00Z", 4.0),)
    assert hour.latency == {"blue": {"p95_ms": 950.0}}
    assert hour.load == {}, "what the service does not tell is left out"
    assert hour.requests == 6


def test_without_the_right_to_read_metrics(service: Service, cloud: Any) -> None:
    service.on("GET", "Microsoft.Insights/metrics", Reply(403, {"error": {"code": "AuthorizationFailed"}}))
    with pytest.raises(CloudError):
        metrics.last_hour(cloud, ENDPOINT, [])


def setting(*categories: str, workspace: str | None = LOGS) -> dict[str, Any]:
    logs = [{"category": name, "enabled": True} for name in categories]
    return {"name": "s", "properties": {"workspaceId": workspace, "logs": logs}}


@pytest.mark.parametrize(
    ("settings", "on"),
    [
        ([], False),
        ([setting("AmlOnlineEndpointConsoleLog")], True),
        ([setting("AmlOnlineEndpointTrafficLog")], False),
        ([setting("AmlOnlineEndpointConsoleLog", workspace=None)], False),
        (
            [
                {
                    "name": "s",
                    "properties": {"workspaceId": LOGS, "logs": [{"categoryGroup": "allLogs", "enabled": True}]},
                }
            ],
            True,
        ),
    ],
)
def test_whether_logs_are_kept(settings: list[Any], on: bool, service: Service, cloud: Any) -> None:
    service.on("GET", "diagnosticSettings", Reply(body={"value": settings}))
    assert log_analytics.diagnostics(cloud, ENDPOINT).on is on


def test_what_log_analytics_has_kept(service: Service, cloud: Any) -> None:
    def table(columns: str, *rows: list[Any]) -> Reply:
        return Reply(body={"tables": [{"columns": [{"name": name} for name in columns.split()], "rows": list(rows)}]})

    service.on("POST", "/workspaces/kept/api/query", table("TimeGenerated DeploymentName Message", ["t", "blue", None]))
    kept = log_analytics.kept(cloud, LOGS, "churn")
    assert kept.lines == [{"TimeGenerated": "t", "DeploymentName": "blue", "Message": ""}]
    queries = [json.loads(body)["query"] for verb, _, body, _ in service.requests if verb == "POST"]
    assert [query.split(" ")[0] for query in queries] == [
        "AmlOnlineEndpointConsoleLog",
        "AmlOnlineEndpointTrafficLog",
        "AmlOnlineEndpointEventLog",
    ]
    assert all("/onlineendpoints/churn'" in query for query in queries)
    assert log_analytics.kept(cloud, LOGS, "churn'; drop").lines == [], "nothing is put into a query that is no name"


DEPLOYMENT: dict[str, Any] = {
    "id": f"{ENDPOINT}/deployments/blue",
    "name": "blue",
    "location": "eastus",
    "tags": {"team": "a"},
    "sku": {"name": "Default", "capacity": 2},
    "properties": {
        "endpointComputeType": "Managed",
        "model": f"{WORKSPACE.id}/models/m/versions/1",
        "environmentId": f"{WORKSPACE.id}/environments/e/versions/1",
        "instanceType": "Standard_DS3_v2",
        "environmentVariables": {"MINE": "1", "AZUREML_MODEL_DIR": "/var/x"},
        "provisioningState": "Succeeded",
        "livenessProbe": {"initialDelay": "PT10S", "period": "PT10S"},
        "readinessProbe": {"initialDelay": "PT10S"},
        "requestSettings": {"requestTimeout": "PT5S", "maxQueueWait": "PT0.5S", "maxConcurrentRequestsPerInstance": 2},
        "egressPublicNetworkAccess": "Disabled",
    },
}


def test_a_probe_is_changed_and_nothing_else(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", Reply(body={"name": "churn", "properties": {"authMode": "Key"}}))
    service.on("GET", "/deployments/blue", Reply(body=DEPLOYMENT))
    service.on("PUT", "/deployments/blue", Reply(200, DEPLOYMENT))
    done = apply_fix(cloud, "churn", "raise_probe_delay", {"deployment": "blue", "seconds": 300})
    assert "300 s" in done
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    properties = sent["properties"]
    assert properties["livenessProbe"] == {"initialDelay": "PT5M", "period": "PT10S"}
    assert properties["readinessProbe"] == {"initialDelay": "PT5M"}
    assert properties["requestSettings"] == DEPLOYMENT["properties"]["requestSettings"]
    assert properties["environmentVariables"] == DEPLOYMENT["properties"]["environmentVariables"]
    assert properties["egressPublicNetworkAccess"] == "disabled"
    assert (sent["sku"]["capacity"], sent["tags"]) == (2, {"team": "a"})


def collecting(**collections: dict[str, Any]) -> dict[str, Any]:
    properties = {**DEPLOYMENT["properties"], "dataCollector": {"collections": collections, "rollingRate": "Hour"}}
    return {**DEPLOYMENT, "properties": properties}


def test_a_data_asset_that_is_there_is_not_sent_anew(service: Service, cloud: Any) -> None:
    """Somebody's tags and description would be gone."""
    asset = f"{WORKSPACE.id}/data/inputs/versions/4"
    one = {"dataCollectionMode": "Enabled", "samplingRate": 0.5, "dataId": asset}
    properties = {"dataUri": "azureml://datastores/x/paths/y", "dataType": "uri_folder", "tags": {"owner": "ann"}}
    service.on("GET", "/onlineEndpoints/churn", Reply(body={"name": "churn", "properties": {"authMode": "Key"}}))
    service.on("GET", "/deployments/blue", Reply(body=collecting(model_inputs=one)))
    service.on("GET", "/data/inputs/versions/4", Reply(body={"id": asset, "name": "4", "properties": properties}))
    service.on("PUT", "/deployments/blue", Reply(200, DEPLOYMENT))
    apply_fix(cloud, "churn", "redeploy", {"deployment": "blue"})
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert sent["properties"]["dataCollector"]["collections"] == {
        "model_inputs": {"dataCollectionMode": "enabled", "samplingRate": 0.5, "dataId": asset}
    }


def test_a_data_collector_that_would_be_changed_is_left_alone(service: Service, cloud: Any) -> None:
    asset = f"{WORKSPACE.id}/data/inputs/versions/4"
    rates = {
        name: {"dataCollectionMode": "Enabled", "samplingRate": rate, "dataId": asset}
        for name, rate in (("request", 0.1), ("response", 1.0))
    }
    service.on("GET", "/deployments/blue", Reply(body=collecting(**rates)))
    with pytest.raises(CloudError, match="cannot be kept"):
        apply_fix(cloud, "churn", "redeploy", {"deployment": "blue"})
    assert service.count("PUT", ".") == 0


def test_no_registry_is_asked_about_a_model_in_it(service: Service, cloud: Any) -> None:
    """The SDK would ask a host of its own, ten times, for a line in its log; this cloud has none."""
    model = "azureml://registries/azureml/models/m/versions/1"
    service.on("GET", "/onlineEndpoints/churn", Reply(body={"name": "churn", "properties": {"authMode": "Key"}}))
    deployment = {**DEPLOYMENT, "properties": {**DEPLOYMENT["properties"], "model": model}}
    service.on("GET", "/deployments/blue", Reply(body=deployment))
    service.on("PUT", "/deployments/blue", Reply(200, deployment))
    apply_fix(cloud, "churn", "redeploy", {"deployment": "blue"})
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert sent["properties"]["model"] == model


def test_a_private_endpoint_is_approved(service: Service, cloud: Any) -> None:
    state = {"status": "Pending", "description": "please", "actionsRequired": "None"}
    connection = {
        "name": "c-1",
        "properties": {"privateEndpoint": {"id": "/pe"}, "privateLinkServiceConnectionState": state},
    }
    service.on("GET", "/privateEndpointConnections/c-1", Reply(body=connection))
    service.on("PUT", "/privateEndpointConnections/c-1", Reply(body=connection))
    apply_fix(cloud, "churn", "approve", {"connection": "c-1"})
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert sent["properties"]["privateLinkServiceConnectionState"] == {**state, "status": "Approved"}


def test_a_managed_network_is_provisioned(service: Service, cloud: Any) -> None:
    """As the rehearsal and the API description have it: 202, and an address that answers with the network's status."""
    result = {"Location": f"{service.url}/mfeOperationResults/1"}
    service.on("POST", "/provisionManagedNetwork", Reply(202, None, result))
    service.on("GET", "/mfeOperationResults/1", Reply(202, None), Reply(200, {"status": "Active", "sparkReady": False}))
    assert "is provisioned" in apply_fix(cloud, "churn", "provision_network", {})
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "POST"]
    assert sent == {"includeSpark": False}


def test_a_deployment_that_has_requests_by_now_is_not_removed(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", Reply(body={"name": "churn", "properties": {"traffic": {"blue": 10}}}))
    with pytest.raises(CloudError, match="blue has traffic"):
        apply_fix(cloud, "churn", "remove_deployment", {"deployment": "blue"})
    assert service.count("DELETE", ".") == 0


def test_a_fix_that_nobody_knows_is_refused(cloud: Any) -> None:
    with pytest.raises(CloudError, match="There is no fix drop_everything"):
        apply_fix(cloud, "churn", "drop_everything", {})


def test_autoscale_rules_of_the_endpoint(service: Service, cloud: Any) -> None:
    def rule(target: str) -> dict[str, Any]:
        profile = {"capacity": {"minimum": "2", "maximum": "5", "default": "2"}}
        return {"name": "r", "properties": {"enabled": True, "targetResourceUri": target, "profiles": [profile]}}

    values = [rule(f"{ENDPOINT}/deployments/blue"), rule("/subscriptions/s/another")]
    service.on("GET", "autoscaleSettings", Reply(body={"value": values}))
    (found,) = scaling.autoscale(cloud, ENDPOINT)
    assert (found.deployment, found.minimum, found.maximum, found.enabled) == ("blue", 2, 5, True)
