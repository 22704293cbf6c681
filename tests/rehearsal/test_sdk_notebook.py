"""The flow of the well-known notebook, with the unmodified SDK and no other setting than the environment."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sdk_code import registered_by_the_sdk


def _poll(read: Any) -> Any:
    deadline = time.monotonic() + 180
    while True:
        found = read()
        if found.provisioning_state in ("Succeeded", "Failed"):
            return found
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_from_endpoint_to_prediction(ml_client: Any, artifacts: Path, name: str) -> None:
    from azure.ai.ml.entities import (
        CodeConfiguration,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
        Model,
    )

    workspace = ml_client.workspaces.get(ml_client.workspace_name)
    assert workspace.public_network_access == "Disabled"
    assert workspace.managed_network.isolation_mode.value == "AllowInternetOutbound"
    ml_client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name=name, auth_mode="key", public_network_access="disabled", tags={"team": "churn"})
    )
    endpoint = _poll(lambda: ml_client.online_endpoints.get(name))
    assert endpoint.provisioning_state == "Succeeded"
    assert endpoint.tags == {"team": "churn"}

    model = ml_client.models.create_or_update(
        Model(name=f"{name}-model", path=str(artifacts / "model"), type="custom_model")
    )
    again = ml_client.models.create_or_update(
        Model(name=f"{name}-model", path=str(artifacts / "model"), type="custom_model")
    )
    assert (model.version, again.version) == ("1", "2")

    ml_client.online_deployments.begin_create_or_update(
        ManagedOnlineDeployment(
            name="blue",
            endpoint_name=name,
            model=model,
            code_configuration=CodeConfiguration(code=str(artifacts / "code"), scoring_script="score.py"),
            environment=Environment(conda_file=str(artifacts / "conda.yml"), image="mcr.microsoft.com/azureml/minimal"),
            instance_type="Standard_DS3_v2",
            instance_count=1,
        )
    )
    deployment = _poll(lambda: ml_client.online_deployments.get("blue", name))
    logs = ml_client.online_deployments.get_logs("blue", name, lines=50)
    assert deployment.provisioning_state == "Succeeded", logs
    assert "factor loaded" in logs
    # The service adds these when a deployment has succeeded.
    assert deployment.environment_variables["AZUREML_MODEL_DIR"] == f"/var/azureml-app/azureml-models/{name}-model/1"

    key = ml_client.online_endpoints.get_keys(name).primary_key
    headers = {"Authorization": f"Bearer {key}", "azureml-model-deployment": "blue"}
    answer = requests.post(endpoint.scoring_uri, json={"number": 14}, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"product": 42})
    assert answer.headers["azureml-model-deployment"] == "blue"

    # Without traffic only the pinning header reaches the deployment.
    del headers["azureml-model-deployment"]
    assert requests.post(endpoint.scoring_uri, json={"number": 14}, headers=headers, timeout=60).status_code == 404
    wrong = requests.post(endpoint.scoring_uri, json={}, headers={"Authorization": "Bearer no"}, timeout=60)
    assert (wrong.status_code, wrong.text) == (401, "key_auth_access_denied")

    endpoint = ml_client.online_endpoints.get(name)
    endpoint.traffic = {"blue": 100}
    ml_client.online_endpoints.begin_create_or_update(endpoint)
    assert _poll(lambda: ml_client.online_endpoints.get(name)).traffic == {"blue": 100}
    answer = requests.post(endpoint.scoring_uri, json={"number": 2}, headers=headers, timeout=60)
    assert answer.json() == {"product": 6}

    ml_client.online_endpoints.begin_delete(name)
    from azure.core.exceptions import ResourceNotFoundError

    deadline = time.monotonic() + 60
    with pytest.raises(ResourceNotFoundError):
        while time.monotonic() < deadline:
            ml_client.online_endpoints.get(name)
            time.sleep(0.05)


def test_lists_that_forms_offer(ml_client: Any) -> None:
    assert {item.name for item in ml_client.workspaces.list()} >= {"closed-managed-network", "closed-legacy-isolation"}
    sizes = {size.name: size for size in ml_client.compute.list_sizes()}
    # This version of the SDK leaves the members under the names that the service gives them.
    assert vars(sizes["Standard_DS3_v2"])["vCPUs"] == 4
    usage = {item.name["value"]: item for item in ml_client.compute.list_usage()}
    assert usage["standardDSv2Family"].limit == 48
    assert ml_client.datastores.get_default().name == "workspaceblobstore"


def test_registering_the_same_environment_again_gives_the_same_version(
    ml_client: Any, artifacts: Path, name: str
) -> None:
    from azure.ai.ml.entities import Environment

    def register(conda: str) -> str:
        (artifacts / "conda.yml").write_text(conda)
        made = Environment(name=name, conda_file=str(artifacts / "conda.yml"), image="mcr.microsoft.com/minimal")
        return str(ml_client.environments.create_or_update(made).version)

    first = register("dependencies: [python=3.11]\n")
    assert register("dependencies: [python=3.11]\n") == first
    assert register("dependencies: [python=3.12]\n") != first


def test_code_that_is_there_is_not_uploaded_again(ml_client: Any, artifacts: Path) -> None:
    # Names of code are made up for each upload; the content's hash finds the first.
    first = registered_by_the_sdk(ml_client, artifacts / "code")
    assert registered_by_the_sdk(ml_client, artifacts / "code") == first
