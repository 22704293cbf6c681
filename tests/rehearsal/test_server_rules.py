"""Azure's rules for endpoints and deployments, and the shapes of operations."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from arm_client import Arm

Settled = Callable[[str], dict[str, Any]]


def _make_endpoint(arm: Arm, name: str, settled: Settled, **properties: Any) -> dict[str, Any]:
    body = {"location": "eastus", "properties": {"authMode": "Key", **properties}}
    assert arm.call("PUT", f"onlineEndpoints/{name}", body).status_code == 201
    return settled(f"{arm.workspace}/onlineEndpoints/{name}")


@pytest.fixture(scope="module")
def empty(arm: Arm, settled: Settled) -> str:
    """The name of an endpoint whose every change is refused."""
    name = f"empty-{uuid.uuid4().hex[:12]}"
    _make_endpoint(arm, name, settled)
    return name


def _assets(arm: Arm, name: str, model_type: str = "custom_model") -> dict[str, str]:
    """Registers a model, code and environment without any files; for changes that are refused before they count."""
    environment = {"properties": {"image": "mcr.microsoft.com/azureml/minimal", "condaFile": "dependencies: []"}}
    model = {
        "properties": {"modelType": model_type, "modelUri": f"azureml://datastores/workspaceblobstore/paths/{name}"}
    }
    code = {"properties": {"codeUri": f"https://elsewhere.example/{name}"}}
    return {
        "model": arm.call("PUT", f"models/{name}/versions/1", model).json()["id"],
        "codeId": arm.call("PUT", f"codes/{name}/versions/1", code).json()["id"],
        "environmentId": arm.call("PUT", f"environments/{name}/versions/1", environment).json()["id"],
    }


def _deployment(assets: dict[str, str], count: int = 1, **properties: Any) -> dict[str, Any]:
    return {
        "location": "eastus",
        "sku": {"name": "Default", "capacity": count},
        "properties": {
            "endpointComputeType": "Managed",
            "instanceType": "Standard_DS3_v2",
            "model": assets["model"],
            "environmentId": assets["environmentId"],
            "codeConfiguration": {"codeId": assets["codeId"], "scoringScript": "score.py"},
            **properties,
        },
    }


def test_an_endpoint_is_made_as_recorded(arm: Arm, name: str, settled: Settled) -> None:
    answer = arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {"authMode": "AADToken"}})
    body = answer.json()
    assert answer.status_code == 201
    assert body["properties"]["provisioningState"] == "Creating"
    assert body["properties"]["scoringUri"] is None
    assert answer.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert answer.headers["Location"].startswith(f"{arm.origin}{arm.workspace}/onlineEndpoints/{name}?api-version=")
    assert "Retry-After" not in answer.headers
    operation = answer.headers["Azure-AsyncOperation"]
    assert "/locations/eastus/mfeOperationsStatus/oeidp:" in operation
    polled = arm.call("GET", operation)
    assert (polled.status_code, polled.json()["status"], polled.json()["percentComplete"]) == (200, "Updating", 0.0)
    made = settled(f"{arm.workspace}/onlineEndpoints/{name}")
    assert made["properties"]["scoringUri"].startswith("https://")
    assert made["properties"]["publicNetworkAccess"] == "Enabled"
    assert made["identity"]["type"] == "SystemAssigned"
    final = arm.call("GET", operation).json()
    assert (final["status"], final["percentComplete"]) == ("Succeeded", 0.0)
    assert final["endTime"] > final["startTime"]
    keys = arm.call("POST", f"onlineEndpoints/{name}/listKeys").json()
    assert keys == {"primaryKey": None, "secondaryKey": None}


def test_an_operation_is_shown_only_at_its_signed_address(arm: Arm, name: str, settled: Settled) -> None:
    answer = arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {"authMode": "Key"}})
    address = answer.headers["Azure-AsyncOperation"]
    plain, _, query = address.partition("?")
    parts = dict(part.split("=") for part in query.split("&"))
    assert list(parts) == ["api-version", "t", "c", "s", "h"]
    assert (len(parts["t"]), parts["c"][:4], len(parts["s"]), len(parts["h"])) == (18, "MIIH", 342, 43)
    for key in "tcsh":
        for value in ("", "(hidden)", f"{parts[key][:-2]}AA"):
            bad = "&".join(f"{one}={value if one == key else kept}" for one, kept in parts.items())
            refused = arm.call("GET", f"{plain}?{bad}")
            assert (refused.status_code, refused.json()["error"]["code"]) == (403, "Forbidden"), (key, value)
    body = settled(f"{arm.workspace}/onlineEndpoints/{name}")
    # As recorded, the address in the resource's properties is not signed.
    assert body["properties"]["properties"]["AzureAsyncOperationUri"] == f"{plain}?api-version=2024-04-01"
    assert arm.call("GET", plain).status_code == 403
    assert arm.call("GET", address).json()["status"] == "Succeeded"


def test_patch_and_delete_are_accepted_with_a_location_only(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    patched = arm.call("PATCH", f"onlineEndpoints/{name}", {"tags": {"key": "value"}})
    assert (patched.status_code, patched.content) == (202, b"")
    assert "Azure-AsyncOperation" not in patched.headers
    assert settled(f"{arm.workspace}/onlineEndpoints/{name}")["tags"] == {"key": "value"}
    result = arm.call("GET", patched.headers["Location"])
    assert (result.status_code, result.json()["status"]) == (200, "Succeeded")
    deleted = arm.call("DELETE", f"onlineEndpoints/{name}")
    assert deleted.status_code == 202
    assert "/mfeOperationResults/" in deleted.headers["Location"]
    assert settled(f"{arm.workspace}/onlineEndpoints/{name}")["error"]["code"] == "ResourceNotFound"
    assert arm.call("DELETE", f"onlineEndpoints/{name}").status_code == 204


@pytest.mark.parametrize("bad", ["ab", "a" * 33, "1abc", "a_bc", "abc-", "a--b", "ab.c"])
def test_names_that_azure_refuses(arm: Arm, bad: str) -> None:
    answer = arm.call("PUT", f"onlineEndpoints/{bad}", {"location": "eastus", "properties": {}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert "3 to 32" in answer.json()["error"]["details"][0]["message"]


def test_a_name_is_taken_in_the_whole_region(arm: Arm, legacy_arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    answer = legacy_arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {}})
    assert answer.status_code == 400
    assert "already an endpoint" in answer.json()["error"]["message"]


@pytest.mark.parametrize("compute", ["none", "aks"])
def test_an_endpoint_on_other_compute_is_refused(arm: Arm, name: str, settled: Settled, compute: str) -> None:
    _make_endpoint(arm, name, settled)
    answer = arm.call("PUT", f"onlineEndpoints/{name}", {"location": "eastus", "properties": {"compute": compute}})
    assert answer.status_code == 400
    assert "managed online endpoints only" in answer.json()["error"]["message"]


def test_an_endpoint_that_changes_refuses_the_next_change(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    answers: dict[str, int] = {}
    codes: set[str] = set()

    def change(number: str) -> None:
        answer = arm.call("PATCH", f"onlineEndpoints/{name}", {"tags": {"n": number}})
        answers[number] = answer.status_code
        if answer.status_code == 409:
            codes.add(answer.json()["error"]["code"])

    for batch in range(50):
        threads = [threading.Thread(target=change, args=(f"{batch}-{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if 409 in answers.values():
            break
    assert (set(answers.values()), codes) == ({202, 409}, {"Conflict"})
    # What was refused left no trace.
    assert answers[settled(f"{arm.workspace}/onlineEndpoints/{name}")["tags"]["n"]] == 202


@pytest.mark.parametrize("traffic", [{"blue": 100}, {"blue": -1}])
def test_traffic_names_existing_deployments(arm: Arm, empty: str, traffic: dict[str, int]) -> None:
    body = {"location": "eastus", "properties": {"authMode": "Key", "traffic": traffic}}
    answer = arm.call("PUT", f"onlineEndpoints/{empty}", body)
    assert (answer.status_code, answer.json()["error"]["details"][0]["code"]) == (400, "InvalidTraffic")


def test_quota_counts_the_reserve_and_is_refused_as_recorded(arm: Arm, name: str, empty: str) -> None:
    # 11 instances and a fifth more, rounded up, are 14 with 4 cores each.
    answer = arm.call("PUT", f"onlineEndpoints/{empty}/deployments/blue", _deployment(_assets(arm, name), count=11))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BadRequest")
    detail = error["details"][0]
    assert detail["code"] == "InferencingClientCreateDeploymentFailed"
    assert "Not enough quota available for Standard_DS3_v2" in detail["message"]
    assert "/48. Additional needed: 56 " in detail["message"]
    assert arm.call("GET", f"onlineEndpoints/{empty}/deployments").json() == {"value": []}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"instanceType": "Standard_Nothing"}, "instance type"),
        ({"model": "/subscriptions/x/none"}, "was not found"),
        ({"requestSettings": {"requestTimeout": "PT181S"}}, "180"),
        ({"requestSettings": {"requestTimeout": "soon"}}, "duration"),
        ({"livenessProbe": {"failureThreshold": 0}}, "at least 1"),
        ({"endpointComputeType": "Kubernetes"}, "managed compute only"),
        ({"codeConfiguration": {"codeId": 7}}, "must be a string"),
    ],
)
def test_deployments_that_are_refused(arm: Arm, name: str, empty: str, changed: dict[str, Any], words: str) -> None:
    answer = arm.call("PUT", f"onlineEndpoints/{empty}/deployments/blue", _deployment(_assets(arm, name), **changed))
    assert answer.status_code == 400
    assert words in answer.text


def test_the_egress_flag_where_isolation_is_the_legacy_kind(legacy_arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(legacy_arm, name, settled)
    path, assets = f"onlineEndpoints/{name}/deployments/blue", _assets(legacy_arm, name, "mlflow_model")
    opened = legacy_arm.call("PUT", path, _deployment(assets))
    assert (opened.status_code, opened.json()["error"]["code"]) == (400, "BadArgument")
    no_code = _deployment(assets, egressPublicNetworkAccess="Disabled", codeConfiguration=None)
    answer = legacy_arm.call("PUT", path, no_code)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadArgument")
    assert "MLflow model format with private network is unsupported" in answer.json()["error"]["message"]
    closed = _deployment(assets, egressPublicNetworkAccess="Disabled")
    assert legacy_arm.call("PUT", path, closed).status_code == 201
    settled(f"{legacy_arm.workspace}/{path}")
    changed = legacy_arm.call("PUT", path, _deployment(assets, egressPublicNetworkAccess="Enabled"))
    assert "cannot be changed" in changed.text


def test_a_deployment_that_cannot_be_built_says_why(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    assets = _assets(arm, name)
    # An environment whose pin cannot exist.
    conda = "dependencies: [python=3.11, pip, {pip: ['azureml-inference-server-http==0.0.0.1']}]"
    environment = {"properties": {"image": "mcr.microsoft.com/azureml/minimal", "condaFile": conda}}
    assets["environmentId"] = arm.call("PUT", f"environments/{name}/versions/2", environment).json()["id"]
    path = f"onlineEndpoints/{name}/deployments/blue"
    answer = arm.call("PUT", path, _deployment(assets))
    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (201, "Creating")
    assert settled(f"{arm.workspace}/{path}")["properties"]["provisioningState"] == "Failed"
    operation = arm.call("GET", answer.headers["Azure-AsyncOperation"])
    status = operation.json()
    assert (operation.status_code, status["status"], status["error"]["code"]) == (200, "Failed", "ImageBuildFailure")
    assert "azureml-inference-server-http==0.0.0.1" in status["error"]["message"]
    assert set(status["error"]) == {"code", "message", "details", "additionalInfo"}
    logs = arm.call("POST", f"{path}/getLogs", {"containerType": "InferenceServer", "tail": 50}).json()["content"]
    assert "azureml-inference-server-http==0.0.0.1" in logs
    # The log of a later build has nothing of the one before.
    environment["properties"]["condaFile"] = conda.replace("0.0.0.1", "0.0.0.2")
    assets["environmentId"] = arm.call("PUT", f"environments/{name}/versions/3", environment).json()["id"]
    assert arm.call("PUT", path, _deployment(assets)).status_code == 200
    assert settled(f"{arm.workspace}/{path}")["properties"]["provisioningState"] == "Failed"
    logs = arm.call("POST", f"{path}/getLogs", {"containerType": "InferenceServer", "tail": 50}).json()["content"]
    assert "azureml-inference-server-http==0.0.0.2" in logs and "0.0.0.1" not in logs
    # A failed deployment can be removed, and its name used again.
    assert arm.call("DELETE", path).status_code == 202
    assert "error" in settled(f"{arm.workspace}/{path}")


def test_keys_change_when_they_are_regenerated(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled)
    before = arm.call("POST", f"onlineEndpoints/{name}/listKeys").json()
    assert arm.call("POST", f"onlineEndpoints/{name}/regenerateKeys", {"keyType": "Primary"}).status_code == 202
    after = arm.call("POST", f"onlineEndpoints/{name}/listKeys").json()
    assert after["primaryKey"] != before["primaryKey"]
    assert after["secondaryKey"] == before["secondaryKey"]


def test_tokens_of_the_workspace(arm: Arm, name: str, settled: Settled) -> None:
    _make_endpoint(arm, name, settled, authMode="AMLToken")
    token = arm.call("POST", f"onlineEndpoints/{name}/token").json()
    assert token["tokenType"] == "Bearer"
    assert token["expiryTimeUtc"] - token["refreshAfterTimeUtc"] == 43_200
    uri = arm.call("GET", f"onlineEndpoints/{name}").json()["properties"]["scoringUri"]
    answers = {
        given: arm.session.post(uri, json={}, headers={"Authorization": f"Bearer {given}"}, timeout=30).status_code
        for given in (token["accessToken"], "nothing")
    }
    # The good one gets past the door, where no deployment waits.
    assert answers == {token["accessToken"]: 404, "nothing": 401}


def test_what_is_missing_is_said_in_resource_manager_s_words(arm: Arm) -> None:
    base = arm.workspace
    for path, code in (
        ("/subscriptions/none", "SubscriptionNotFound"),
        (base.replace("/rehearsal/", "/nowhere/"), "ResourceGroupNotFound"),
        (f"{base}x", "ResourceNotFound"),
        (f"{base}/onlineEndpoints/none", "ResourceNotFound"),
        (f"{base}/unheardOf/things", "InvalidResourceType"),
    ):
        answer = arm.call("GET", path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    # Paths are taken in any case, as by Azure.
    assert arm.call("GET", base.upper()).json()["id"] == base
