"""Azure's rules that need more than one workspace, subscription or kind of isolation."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from arm_client import Arm
from operations import OTHER_GROUP

Settled = Callable[[str], dict[str, Any]]
ENDPOINT = {"location": "eastus", "properties": {"authMode": "Key"}}


@pytest.fixture
def elsewhere(rehearse: Callable[..., str], rehearsal: dict[str, Any], rehearsal_env: dict[str, str]) -> Any:
    """A client of a workspace that is registered now, by default in a subscription of its own."""

    def make(*options: str, subscription: str | None = None) -> Arm:
        subscription, workspace = subscription or str(uuid.uuid4()), f"ws-{uuid.uuid4().hex[:8]}"
        rehearse("env", "--workspace", subscription, OTHER_GROUP, workspace, *options)
        env = {
            **rehearsal_env,
            "AZURE_SUBSCRIPTION_ID": subscription,
            "AZURE_RESOURCE_GROUP": OTHER_GROUP,
            "AZURE_ML_WORKSPACE": workspace,
        }
        return Arm(env, rehearsal["url"])

    return make


def _deployment(arm: Arm, name: str, **properties: Any) -> dict[str, Any]:
    """A body with a model and an environment, without code: only what is decided at the PUT matters here."""
    model = {"properties": {"modelUri": "https://example.org/m", "modelType": properties.pop("kind", "mlflow_model")}}
    model_id = arm.call("PUT", f"models/{name}/versions/1", model).json()["id"]
    return {
        "location": "eastus",
        "sku": {"name": "Default", "capacity": properties.pop("capacity", 1)},
        "properties": {
            "endpointComputeType": "Managed", "model": model_id, "instanceType": "Standard_DS3_v2", **properties
        },
    }  # fmt: skip


def test_a_name_is_taken_across_subscriptions(arm: Arm, elsewhere: Any, name: str, settled: Settled) -> None:
    assert arm.call("PUT", f"onlineEndpoints/{name}", ENDPOINT).status_code == 201
    answer = elsewhere().call("PUT", f"onlineEndpoints/{name.upper()}", ENDPOINT)
    assert answer.status_code == 400
    assert "unique within an Azure region" in answer.json()["error"]["message"]
    settled(f"onlineEndpoints/{name}")


def test_the_network_s_rules(arm: Arm, elsewhere: Any, name: str) -> None:
    """Isolation × egress flag × kind of model: which of them the PUT takes (None) or refuses."""
    cases: list[tuple[tuple[str, ...], str, str, str | None]] = [
        (("--isolation", "legacy"), "Disabled", "mlflow_model", "MLflow model format with private network"),
        (("--isolation", "legacy"), "Enabled", "mlflow_model", "publicNetworkAccess is Disabled"),
        (("--isolation", "public"), "Enabled", "mlflow_model", None),
        (("--isolation", "public"), "Disabled", "mlflow_model", "MLflow model format with private network"),
        (("--isolation", "managed"), "Enabled", "mlflow_model", None),
        (("--isolation", "managed"), "Disabled", "mlflow_model", None),
    ]
    for number, (options, egress, kind, words) in enumerate(cases):
        client, endpoint = elsewhere(*options), f"{name}-{number}"
        assert client.call("PUT", f"onlineEndpoints/{endpoint}", ENDPOINT).status_code == 201
        _wait(client, f"onlineEndpoints/{endpoint}")
        path = f"onlineEndpoints/{endpoint}/deployments/blue"
        body = _deployment(client, endpoint, kind=kind, egressPublicNetworkAccess=egress)
        answer = client.call("PUT", path, body)
        if words is None:
            assert answer.status_code == 201, (options, egress, answer.text)
            # Without a managed network the flag stays as it is; with one it does not matter.
            state = _wait(client, path)
            assert state["properties"]["egressPublicNetworkAccess"] == egress
            other = "Disabled" if egress == "Enabled" else "Enabled"
            changed = client.call(
                "PUT", path, _deployment(client, endpoint, kind=kind, egressPublicNetworkAccess=other)
            )
            assert changed.status_code == (200 if "managed" in options else 400), changed.text
            if "managed" not in options:
                assert "cannot be changed" in changed.text
        else:
            assert answer.status_code == 400 and words in answer.text, (options, egress, answer.text)
        client.call("DELETE", f"onlineEndpoints/{endpoint}")


def _wait(client: Arm, path: str) -> dict[str, Any]:
    import time

    deadline = time.monotonic() + 60
    while True:
        body: dict[str, Any] = client.call("GET", path).json()
        if body["properties"]["provisioningState"] in ("Succeeded", "Failed"):
            return body
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_managed_network_that_is_not_provisioned(elsewhere: Any, name: str) -> None:
    client = elsewhere("--unprovisioned")
    client.call("PUT", f"onlineEndpoints/{name}", ENDPOINT)
    _wait(client, f"onlineEndpoints/{name}")
    path = f"onlineEndpoints/{name}/deployments/blue"
    answer = client.call("PUT", path, _deployment(client, name))
    assert answer.status_code == 201
    operation = answer.headers["Azure-AsyncOperation"]
    assert _wait(client, path)["properties"]["provisioningState"] == "Failed"
    assert client.call("GET", operation).json()["error"]["code"] == "WorkspaceManagedNetworkNotReady"
    assert client.call("POST", f"{client.workspace}/provisionManagedNetwork").status_code == 202
    import time

    deadline = time.monotonic() + 60
    while client.call("GET", client.workspace).json()["properties"]["managedNetwork"]["status"]["status"] == "Inactive":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    operation = client.call("PUT", path, _deployment(client, name)).headers["Azure-AsyncOperation"]
    _wait(client, path)
    assert client.call("GET", operation).json().get("error", {}).get("code") != "WorkspaceManagedNetworkNotReady"
    client.call("DELETE", f"onlineEndpoints/{name}")


def test_twenty_deployments_and_the_quota(elsewhere: Any, name: str) -> None:
    client = elsewhere()
    client.call("PUT", f"onlineEndpoints/{name}", ENDPOINT)
    _wait(client, f"onlineEndpoints/{name}")
    body = _deployment(client, name)
    families = iter(("Standard_DS3_v2", "Standard_F2s_v2", "Standard_E2s_v3"))
    body["properties"]["instanceType"] = next(families)
    refusals = 0
    for number in range(20):
        while True:
            answer = client.call("PUT", f"onlineEndpoints/{name}/deployments/d-{number:02d}", body)
            if answer.status_code == 201:
                break
            # 48 cores a family: six deployments of one instance with its reserve.
            assert "Not enough quota available" in answer.text, answer.text
            assert "Additional needed: 8" in answer.text or "Additional needed: 4" in answer.text
            body["properties"]["instanceType"] = next(families)
            refusals += 1
    assert refusals >= 2
    answer = client.call("PUT", f"onlineEndpoints/{name}/deployments/d-20", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "OutOfQuota")
    assert "limit of 20 deployments" in answer.text
    client.call("DELETE", f"onlineEndpoints/{name}")
