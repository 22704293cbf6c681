"""Deployments of managed online endpoints, driven by both of Microsoft's clients on one endpoint that really serves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm
from operations import GROUP, WORKSPACE, empty

AT = (GROUP, WORKSPACE)


def _upload(arm: Arm, folder: str, files: dict[str, bytes]) -> str:
    properties = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()["sasToken"]
    base = f"{arm.origin}/rehearsal.blob.core.windows.net/{properties['containerName']}/{folder}"
    for name, content in files.items():
        answer = arm.session.put(f"{base}/{name}?{sas}", data=content, headers={"x-ms-blob-type": "BlockBlob"})
        assert answer.status_code == 201, answer.text
    return base


@pytest.fixture
def parts(mgmt: Any, arm: Arm, artifacts: Path, name: str) -> dict[str, str]:
    """Ids of a model, a code and an environment that make a deployment that works."""
    from azure.mgmt.machinelearningservices import models

    model = _upload(arm, f"{name}/model", {"factor.json": b"3"})
    code = _upload(arm, f"{name}/code", {"score.py": (artifacts / "code" / "score.py").read_bytes()})
    return {
        "model": mgmt.model_versions.create_or_update(
            *AT, name, "1", models.ModelVersion(properties=models.ModelVersionProperties(model_uri=model))
        ).id,
        "code": mgmt.code_versions.create_or_update(
            *AT, name, "1", models.CodeVersion(properties=models.CodeVersionProperties(code_uri=code))
        ).id,
        "environment": mgmt.environment_versions.create_or_update(
            *AT,
            name,
            "1",
            models.EnvironmentVersion(
                properties=models.EnvironmentVersionProperties(
                    image="mcr.microsoft.com/x", conda_file=(artifacts / "conda.yml").read_text()
                )
            ),
        ).id,
    }


def _deployment(parts: dict[str, str], **more: Any) -> Any:
    from azure.mgmt.machinelearningservices import models

    probe = models.ProbeSettings(initial_delay="PT1S", period="PT1S")
    properties = models.ManagedOnlineDeployment(
        code_configuration=models.CodeConfiguration(code_id=parts["code"], scoring_script="score.py"),
        model=parts["model"],
        environment_id=parts["environment"],
        environment_variables={"A": "b"},
        instance_type="Standard_DS3_v2",
        description="d",
        properties={"p": "q"},
        readiness_probe=probe,
        liveness_probe=probe,
        request_settings=models.OnlineRequestSettings(request_timeout="PT60S", max_concurrent_requests_per_instance=4),
        scale_settings=models.DefaultScaleSettings(),
        app_insights_enabled=False,
        model_mount_path="/mnt/model",
        **more,
    )
    sku = models.Sku(name="Default", tier="Standard", capacity=1)
    return models.OnlineDeployment(location="eastus", properties=properties, sku=sku, tags={"team": "churn"})


def _used(mgmt: Any) -> int:
    return int(next(i for i in mgmt.usages.list("eastus") if i.name.value == "standardDSv2Family").current_value)


def test_deployments_with_both_clients(ml_client: Any, mgmt: Any, arm: Arm, name: str, parts: dict[str, str]) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
    from azure.mgmt.machinelearningservices import models

    endpoints, deployments, at = mgmt.online_endpoints, mgmt.online_deployments, (*AT, name)
    endpoint = models.OnlineEndpoint(
        location="eastus", properties=models.OnlineEndpointProperties(auth_mode="Key", description="d")
    )
    endpoint = endpoints.begin_create_or_update(*at, endpoint).result()
    used = _used(mgmt)
    begun = [deployments.begin_create_or_update(*at, color, _deployment(parts)) for color in ("blue", "green")]
    with pytest.raises(HttpResponseError) as busy:
        deployments.begin_update(*at, "blue", models.PartialMinimalTrackedResourceWithSku(tags={}))
    assert busy.value.status_code == 409
    # Two instances of four cores each, and the reserve of one more each, are counted at once.
    assert _used(mgmt) == used + 2 * 2 * 4
    made, _ = (poller.result() for poller in begun)
    assert made.properties.provisioning_state == "Succeeded"
    # Managed compute has no identity of its own; nothing collects data.
    assert empty(made) <= {"identity", "sku.size", "sku.family", "properties.data_collector"}, empty(made)
    assert made.properties.environment_variables["AZUREML_ENTRY_SCRIPT"] == "score.py"
    assert made.sku.capacity == 1

    # Lists, sizes of scale and logs.
    assert [item.name for item in deployments.list(*at)] == ["blue", "green"]
    assert [item.name for item in deployments.list(*at, top=1)] == ["blue"]
    assert [item.name for item in deployments.list(*at, skip="1")] == ["green"]
    assert [item.name for item in deployments.list(*at, order_by="CreatedTimeDesc")] == ["green", "blue"]
    assert {item.name for item in ml_client.online_deployments.list(name)} == {"blue", "green"}
    sku = next(iter(deployments.list_skus(*at, "blue")))
    assert empty(sku) <= {"sku.size", "sku.family", "sku.capacity"}
    assert (sku.capacity.minimum, sku.capacity.maximum) == (1, 50)
    for container, text in (("InferenceServer", "factor loaded"), ("StorageInitializer", "factor.json")):
        wish = models.DeploymentLogsRequest(container_type=container, tail=500)
        content = deployments.get_logs(*at, "blue", wish).content
        assert text in content or "Downloaded 1 file " in content
    assert "factor loaded" in ml_client.online_deployments.get_logs("blue", name, lines=200)
    assert ml_client.online_deployments.get_logs("blue", name, lines=50, container_type="storage-initializer")

    # Traffic and mirrored traffic, with both clients.
    def route(traffic: dict[str, int], mirror: dict[str, int]) -> Any:
        current = endpoints.get(*at)
        current.properties.traffic, current.properties.mirror_traffic = traffic, mirror
        return endpoints.begin_create_or_update(*at, current).result().properties

    routed = route({"blue": 100, "green": 0}, {"green": 20})
    assert (routed.traffic, routed.mirror_traffic) == ({"blue": 100, "green": 0}, {"green": 20})
    found = ml_client.online_endpoints.get(name)
    assert (found.traffic, found.mirror_traffic) == ({"blue": 100, "green": 0}, {"green": 20})
    headers = {"Authorization": f"Bearer {endpoints.list_keys(*at).primary_key}"}
    uri = endpoint.properties.scoring_uri
    answer = requests.post(uri, json={"number": 14}, headers=headers, timeout=60)
    assert (answer.json(), answer.headers["azureml-model-deployment"]) == ({"product": 42}, "blue")
    for bad in (({"blue": 60}, {}), ({"blue": 100}, {"green": 51}), ({"blue": 100}, {"blue": 10})):
        with pytest.raises(HttpResponseError) as refused:
            route(*bad)
        assert refused.value.status_code == 400
    with pytest.raises(HttpResponseError, match="cannot be deleted while it receives traffic"):
        deployments.begin_delete(*at, "blue")
    found.traffic, found.mirror_traffic = {"blue": 50, "green": 50}, {}
    ml_client.online_endpoints.begin_create_or_update(found)
    _until(lambda: endpoints.get(*at).properties.provisioning_state == "Succeeded")
    assert endpoints.get(*at).properties.traffic == {"blue": 50, "green": 50}

    # A patch changes tags and the number of instances.
    wish = models.PartialMinimalTrackedResourceWithSku(tags={"team": "new"}, sku=models.PartialSku(capacity=2))
    deployments.begin_update(*at, "green", wish).result()
    green = ml_client.online_deployments.get("green", name)
    assert (green.instance_count, green.tags) == (2, {"team": "new"})
    wish = models.PartialMinimalTrackedResourceWithSku(sku=models.PartialSku(capacity=51))
    with pytest.raises(HttpResponseError, match="between 1 and 50"):
        deployments.begin_update(*at, "green", wish)

    # Without traffic it can go, and its share goes with it: what was read can be sent back.
    route({"blue": 100, "green": 0}, {})
    deployments.begin_delete(*at, "green").result()
    with pytest.raises(ResourceNotFoundError):
        deployments.get(*at, "green")
    current = endpoints.get(*at)
    assert current.properties.traffic == {"blue": 100}
    endpoints.begin_create_or_update(*at, current).result()
    endpoints.begin_delete(*at).result()
    assert _used(mgmt) == used
    with pytest.raises(ResourceNotFoundError):
        deployments.list(*at).next()


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"instanceType": "Standard_None"}, "not available for managed online endpoints"),
    ({"requestSettings": {"requestTimeout": "PT181S"}}, "at most 180 seconds"),
    ({"requestSettings": {"requestTimeout": "soon"}}, "duration"),
    ({"capacity": 51}, "between 1 and 50"),
    ({"capacity": 40}, "Not enough quota available"),
    ({"environmentId": "azureml:none:1"}, "was not found in the workspace"),
    ({"model": "azureml://registries/r/models/m/versions/1"}, "registries do not hold"),
    ({"endpointComputeType": "Kubernetes"}, "managed compute only"),
    ({"livenessProbe": {"successThreshold": 2}}, "successThreshold must be 1"),
    ({"dataCollector": {"collections": {}}}, "at least one collection"),
    ({"dataCollector": {"collections": {"x": {"dataId": "azureml:none:1"}}}}, "was not found in the workspace"),
    ({"dataCollector": {"collections": {"x": {"samplingRate": 2}}}}, "between 0 and 1"),
    ({"dataCollector": {"collections": {"x": {}}, "rollingRate": "Week"}}, "rollingRate"),
]


def test_deployments_that_are_refused(mgmt: Any, arm: Arm, name: str, parts: dict[str, str]) -> None:
    import json

    from azure.core.exceptions import HttpResponseError

    endpoint = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert arm.call("PUT", f"onlineEndpoints/{name}", endpoint).status_code == 201
    _until(lambda: arm.call("GET", f"onlineEndpoints/{name}").json()["properties"]["provisioningState"] == "Succeeded")
    for change, words in REFUSED:
        body = _deployment(parts).serialize()
        body["sku"]["capacity"] = change.get("capacity", 1)
        body["properties"].update({key: value for key, value in change.items() if key != "capacity"})
        with pytest.raises(HttpResponseError) as refused:
            mgmt.online_deployments.begin_create_or_update(*AT, name, "blue", json.dumps(body).encode())
        assert refused.value.status_code == 400
        assert words in str(refused.value)
    mgmt.online_endpoints.begin_delete(*AT, name).result()


def test_sdk_creates_and_deletes_a_deployment(ml_client: Any, mgmt: Any, artifacts: Path, name: str) -> None:
    """The SDK's own way, with an image that cannot be built: it is told why, and deletes what failed."""
    from azure.ai.ml.entities import (
        CodeConfiguration,
        DataCollector,
        DeploymentCollection,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
        Model,
    )
    from azure.core.exceptions import HttpResponseError

    ml_client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name))
    _until(lambda: mgmt.online_endpoints.get(*AT, name).properties.provisioning_state == "Succeeded")
    (artifacts / "conda.yml").write_text("dependencies: [python=3.11, pip, {pip: [no-such-package-of-anybody==99]}]\n")
    poller = ml_client.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name="blue",
            endpoint_name=name,
            model=Model(path=str(artifacts / "model")),
            code_configuration=CodeConfiguration(code=str(artifacts / "code"), scoring_script="score.py"),
            environment=Environment(conda_file=str(artifacts / "conda.yml"), image="mcr.microsoft.com/x"),
            instance_type="Standard_DS3_v2",
            instance_count=1,
            data_collector=DataCollector(
                {"model_inputs": DeploymentCollection(enabled="true")}, rolling_rate="Day", sampling_rate=0.5
            ),
        )
    )
    with pytest.raises(HttpResponseError) as failed:
        poller.result()
    assert failed.value.error.code == "ImageBuildFailure"
    found = ml_client.online_deployments.get("blue", name)
    assert found.provisioning_state == "Failed"
    # The client has registered what is collected as data, and reads it back.
    collected = mgmt.data_versions.get(*AT, f"{name}-blue-model_inputs", "1")
    assert found.data_collector.rolling_rate == "Day"
    assert found.data_collector.collections["model_inputs"].data == collected.id
    ml_client.online_deployments.begin_delete("blue", name)
    _until(lambda: not list(ml_client.online_deployments.list(name)))
    mgmt.online_endpoints.begin_delete(*AT, name).result()


def test_what_runs_containers_is_told(arm: Arm) -> None:
    assert arm.call("GET", f"{arm.workspace}/rehearsalContainers").json() == {
        "whyNone": "--container-engine none was chosen"
    }
