"""What Resource Manager says of endpoints and deployments, in the plan's words."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import data_collection, deployments, endpoints, keys, scoring
from tui.cloud.endpoints.keys import EndpointCredential
from tui.cloud.errors import CloudError
from tui.plan.sdk_entities import Tree


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT5S", 5), ("PT1M30S", 90), ("PT2H", 7200), ("P1DT1S", 86401), ("P1D", 86400), ("PT0.5S", 0.5),
        ("PT0S", 0), ("PT", None), ("P", None), ("", None), (None, None), ("5", None), ("PT5X", None),
    ],
)  # fmt: skip
def test_a_duration(duration: Any, seconds: float | None) -> None:
    assert deployments.seconds(duration) == seconds


def test_a_deployment_with_everything() -> None:
    found = deployments.info(
        {
            "name": "blue", "id": "/d", "tags": {"a": 1}, "sku": {"capacity": 3},
            "properties": {
                "provisioningState": "Succeeded", "instanceType": "S", "model": {"assetId": "/m"},
                "environmentId": "/e",
                "codeConfiguration": {"codeId": "/c", "scoringScript": "s.py"}, "environmentVariables": {"A": 1},
                "egressPublicNetworkAccess": "Disabled", "appInsightsEnabled": True, "description": "d",
                "requestSettings": {"requestTimeout": "PT4.5S", "maxQueueWait": "PT0.25S",
                                    "maxConcurrentRequestsPerInstance": 2},
                "livenessProbe": {"initialDelay": "PT10S", "period": "PT9S", "timeout": "PT2S", "failureThreshold": 30,
                                  "successThreshold": 1},
                "modelMountPath": "/mnt",
            },
        }
    )  # fmt: skip
    assert (found.instance_count, found.model, found.code, found.scoring_script) == (3, "/m", "/c", "s.py")
    assert (found.egress_public_network_access, found.app_insights_enabled) == ("disabled", True)
    assert (found.tags, found.environment_variables, found.model_mount_path) == ({"a": "1"}, {"A": "1"}, "/mnt")
    assert found.request_settings == {
        "request_timeout_ms": 4500, "max_queue_wait_ms": 250, "max_concurrent_requests_per_instance": 2,
    }  # fmt: skip
    assert found.liveness_probe == {
        "initial_delay": 10, "period": 9, "timeout": 2, "success_threshold": 1, "failure_threshold": 30,
    }  # fmt: skip
    assert set(found.readiness_probe.values()) == {None}


def test_a_deployment_with_nothing() -> None:
    found = deployments.info({"name": "blue", "id": "/d"})
    assert (found.instance_count, found.model, found.egress_public_network_access, found.environment) == (0,) + (
        None,
    ) * 3
    assert (found.provisioning_state, found.app_insights_enabled, found.model_mount_path) == ("", False, None)
    assert set(found.request_settings.values()) == {None} and found.data_collector == {}
    assert deployments.info({"properties": {"model": "/m"}}).model == "/m"


def test_a_zero_timeout_is_a_number() -> None:
    settings = {"requestTimeout": "PT0S", "maxQueueWait": "PT0S"}
    found = deployments.info({"properties": {"requestSettings": settings, "livenessProbe": {"timeout": "PT0S"}}})
    assert (found.request_settings["request_timeout_ms"], found.liveness_probe["timeout"]) == (0, 0)
    assert found.request_settings["max_queue_wait_ms"] == 0


@pytest.mark.parametrize(
    ("mode", "word"),
    [("Key", "key"), ("AMLToken", "aml_token"), ("aadtoken", "aad_token"), ("Other", "Other"), (None, "")],
)
def test_an_endpoints_words(mode: Any, word: str) -> None:
    found = endpoints.info({"name": "e", "id": "/e", "tags": {"a": None, "b": 1}, "properties": {"authMode": mode}})
    assert (found.auth_mode, found.tags) == (word, {"a": "", "b": "1"})
    assert (found.public_network_access, found.scoring_uri, found.traffic) == ("enabled", None, {})
    body = {"properties": {"publicNetworkAccess": "Disabled", "scoringUri": "https://x", "traffic": {"a": "90"}}}
    found = endpoints.info(body)
    assert (found.public_network_access, found.scoring_uri, found.traffic) == ("disabled", "https://x", {"a": 90})


COLLECTOR = {
    "collections": {
        "inputs": {"dataCollectionMode": "Enabled", "samplingRate": 0.5, "dataId": f"{WORKSPACE.id}/data/a/versions/1"},
        "outputs": {"dataCollectionMode": "Disabled", "samplingRate": 0.5},
    },
    "requestLogging": {"captureHeaders": ["x"]},
}


def test_a_data_collector_in_the_plans_words() -> None:
    found = data_collection.info(COLLECTOR)
    assert found["collections"]["inputs"] == {
        "enabled": True,
        "sampling_rate": 0.5,
        "data": f"{WORKSPACE.id}/data/a/versions/1",
    }
    assert found["collections"]["outputs"] == {"enabled": False, "sampling_rate": 0.5, "data": None}
    assert (found["rolling_rate"], found["capture_headers"]) == ("hour", ["x"])
    words = data_collection.in_words_of_a_plan(found)
    assert words["collections"] == {
        "inputs": {"enabled": "True", "data": {"name": "a", "version": "1"}}, "outputs": {"enabled": "False",
        "data": None},
    }  # fmt: skip
    assert (words["sampling_rate"], words["request_logging"]) == (0.5, {"capture_headers": ["x"]})
    for nothing in ({}, {"collections": {}}, {"collections": None}, {"collections": []}):
        assert data_collection.info(nothing) == {}
    assert data_collection.in_words_of_a_plan({})["sampling_rate"] is None
    minute = data_collection.info({**COLLECTOR, "rollingRate": "Minute", "requestLogging": None})
    assert (minute["rolling_rate"], minute["capture_headers"]) == ("minute", [])
    latest = data_collection._asset("azureml:a@latest")
    assert latest == {"name": "a"}


@pytest.mark.parametrize(
    ("rates", "place", "refused"),
    [
        ((0.5, 0.5), WORKSPACE.id, False),
        ((0.5, 0.1), WORKSPACE.id, True),
        ((0.5, 0.5), "/other", True),
        ((), "", False),
    ],
)
def test_a_collector_that_the_sdk_would_change_is_refused(
    cloud: Any, rates: tuple[float, ...], place: str, refused: bool
) -> None:
    found = {
        "collections": {
            f"c{number}": {"sampling_rate": rate, "data": f"{place.upper()}/data/a/versions/1"}
            for number, rate in enumerate(rates)
        }
    }
    if not refused:
        data_collection.require_told_by_the_sdk(cloud, found)
        return
    with pytest.raises(CloudError) as caught:
        data_collection.require_told_by_the_sdk(cloud, found)
    assert caught.value.code == "DataCollectorNotKept"


def test_data_assets_that_are_registered_are_found(service: Service, cloud: Any) -> None:
    service.on("GET", "/data/a/versions/1", Reply(body={"id": "x"}))
    collections = {"in": {"data": {"name": "a", "version": "1"}}, "out": {"data": {"name": "b", "version": "2"}}}
    tree = {"endpoint": {"name": "e"}, "deployment": {"name": "d", "data_collector": {"collections": collections}}}
    assert data_collection.registered(cloud, Tree(tree)) == [f"{WORKSPACE.id}/data/a/versions/1"]
    assert data_collection.registered(cloud, Tree({"endpoint": {"name": "e"}, "deployment": {"name": "d"}})) == []


def endpoint(service: Service, mode: str = "Key", **more: Any) -> endpoints.EndpointInfo:
    properties = {"authMode": mode, "scoringUri": f"{service.url}/score", **more}
    return endpoints.info({"name": "churn", "properties": properties})


SCORED: list[tuple[int, bytes, dict[str, str], bool, str]] = [
    (200, b"[1]", {}, True, ""),
    (201, b"[1]", {}, False, ""),
    (200, b"ValueError: bad", {}, False, "error text"),
    (500, b"ValueError: bad", {}, False, "front end"),
    (424, b"x", {"ms-azureml-model-error-reason": "Bad", "ms-azureml-model-error-statuscode": "502"}, False,
     "Reason: Bad, the container answered 502."),
    (424, b"x", {"ms-azureml-model-error-reason": "Bad"}, False, "Reason: Bad."),
    (418, b"x", {}, False, ""),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "headers", "ok", "note"), SCORED)
def test_a_call(
    service: Service, cloud: Any, status: int, body: bytes, headers: dict[str, str], ok: bool, note: str
) -> None:
    service.on("POST", "^/score", Reply(status, body, headers))
    found = scoring.score(cloud, endpoint(service), b"{}", "green", credential=EndpointCredential("k", "key"))
    assert (found.status_code, found.ok, found.deployment) == (status, ok, "green")
    assert note in found.note and bool(note) == bool(found.note)
    assert 0 < found.latency_ms < 60_000 and found.body == body.decode()
    sent = service.requests[-1][3]
    assert (sent["Authorization"], sent["azureml-model-deployment"]) == ("Bearer k", "green")


def test_a_call_is_sent_once_and_follows_nobody(service: Service, cloud: Any) -> None:
    service.on("POST", "^/score", Reply(302, b"", {"Location": f"{service.url}/elsewhere"}))
    service.on("POST", "/listKeys", Reply(body={"primaryKey": "pk"}))
    found = scoring.score(cloud, endpoint(service), b"{}")
    assert (found.status_code, found.deployment, service.requests[-1][3]["Authorization"]) == (302, None, "Bearer pk")
    assert "azureml-model-deployment" not in service.requests[-1][3]
    service.on("POST", "^/score", Reply(200, b"[1]", {"azureml-model-deployment": "blue"}))
    assert scoring.score(cloud, endpoint(service), b"{}", "green").deployment == "blue"
    with pytest.raises(CloudError, match="no scoring URI"):
        scoring.score(cloud, endpoint(service, scoringUri=""), b"{}")


@pytest.mark.parametrize(
    ("mode", "path", "body", "value"),
    [
        ("Key", "listKeys", {"primaryKey": "pk"}, "pk"),
        ("AMLToken", "token", {"accessToken": "at"}, "at"),
        ("Key", "listKeys", {}, None),
        ("AMLToken", "token", [], None),
    ],
)
def test_the_credential_of_an_endpoint(
    service: Service, cloud: Any, mode: str, path: str, body: Any, value: str | None
) -> None:
    service.on("POST", f"/{path}", Reply(body=body))
    if value is None:
        with pytest.raises(CloudError, match="returned no " + ("key" if mode == "Key" else "token")):
            keys.credentials(cloud, endpoint(service, mode))
        return
    found = keys.credentials(cloud, endpoint(service, mode))
    assert (found.header(), found.secret()) == (f"Bearer {value}", value) and value not in repr(found)


def test_keys_are_of_endpoints_with_keys(service: Service, cloud: Any) -> None:
    service.on("POST", "/listKeys", Reply(body={"primaryKey": "pk", "secondaryKey": "sk"}))
    both = keys.both(cloud, endpoint(service))
    assert [both[which].secret() for which in keys.WHICH] == ["pk", "sk"]
    assert len(keys.fingerprint(both["primary"])) == 8
    for mode in ("AMLToken", "AADToken"):
        with pytest.raises(CloudError) as caught:
            keys.both(cloud, endpoint(service, mode))
        assert caught.value.code == "NoKeys"
    assert keys.credentials(cloud, endpoint(service, "AADToken")).secret()


def test_logs_and_lists(service: Service, cloud: Any) -> None:
    service.on("POST", "/getLogs", Reply(body={"content": "line"}))
    assert deployments.logs(cloud, "churn", "blue", lines=5) == "line"
    assert service.requests[-1][2] == b'{"containerType": "InferenceServer", "tail": 5}'
    service.on("POST", "/getLogs", Reply(body=[]))
    assert deployments.logs(cloud, "churn", "blue", "storage-initializer") == ""
    assert b"StorageInitializer" in service.requests[-1][2] and b"200" in service.requests[-1][2]
    assert deployments.read(cloud, "churn", "blue") is None
    service.on("GET", "/onlineEndpoints", Reply(body={"value": [{"name": "a"}, {"name": "b"}]}))
    assert [one.name for one in endpoints.list_all(cloud)] == ["a", "b"]
