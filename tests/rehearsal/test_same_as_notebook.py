"""`apply` and the flow of Microsoft's notebooks, written with the SDK alone, leave the same resources.

The flow is that of azureml-examples (sdk/python/endpoints/online/managed): local paths, `begin_create_or_update`,
traffic, keys. Model and environment are registered first, as there where a version is to be used again. Everything that
either has made is read back and compared field by field; what may differ is named below, each with its reason.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

import pytest
import requests
from arm_client import Arm

from tui.plan import presets

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1"
USER = (
    "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/identities/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
)
ROUTES = {
    "liveness_route": {"path": "/health/live", "port": 5001},
    "readiness_route": {"path": "/health/ready", "port": 5001},
    "scoring_route": {"path": "/v1/predict", "port": 5001},
}
MADE_UP = re.compile(
    "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"  # ids of operations, identities, code and its containers
    "|(?:aml-deploy|LocalUpload)/[0-9a-f]{32,}"  # where content is put, by its hash
)
MAY_DIFFER = {
    "*.systemData.*": "when it was made",
    "endpoint.properties.properties.createdAt": "the SDK sends back what it has read, systemData among the properties",
    "endpoint.properties.properties.createdBy": "the same",
    "endpoint.properties.properties.lastModifiedAt": "the same",
    "*.tags.aml-deploy*": "marks what this program made, so that it is found again and nothing else is removed",
    "code.properties.properties.hash_sha256": "the two scripts differ in a comment, else both would be one asset",
    "environment.properties.build.contextUri": "the SDK drops the account where an address has it in its path",
}


@dataclass(frozen=True)
class Case:
    """The same wish twice: what is added to a plan, and to the constructors of the SDK (`e` is azure.ai.ml.entities).

    `serves` is False where a rehearsal refuses to run what was asked for; what was asked for is kept all the same.
    """

    plan: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoint: Callable[[Any], dict[str, Any]] = lambda e: {}
    deployment: Callable[[Any], dict[str, Any]] = lambda e: {}
    model: dict[str, Any] = field(default_factory=dict)
    model_path: str = "model"
    environment: Callable[[Any, Path], dict[str, Any]] | None = lambda e, folder: {
        "conda_file": str(folder / "conda.yml"),
        "image": IMAGE,
    }
    code: bool = True
    mlflow: bool = False
    serves: bool = True
    data: tuple[str, ...] = ()
    plan_then: dict[str, dict[str, Any]] = field(default_factory=dict)
    sdk_then: Callable[[Any, Any], None] | None = None  # changes the endpoint and the deployment that were read


def another(endpoint: Any, deployment: Any) -> None:
    """The change of the case "much" with the SDK; names of tags that are left out stay on either way."""
    endpoint.description, endpoint.tags["team"] = "Churn, changed", "fraud"
    deployment.description, deployment.tags["stage"], deployment.instance_count = "Changed", "live", 1
    deployment.environment_variables["LEVEL"] = "info"
    deployment.request_settings.request_timeout_ms = 90_000
    deployment.liveness_probe.initial_delay, deployment.readiness_probe.period = 20, 30


CASES = {
    "little": Case(),
    "much": Case(
        plan={
            "endpoint": {
                "description": "Churn, {much}",
                "tags": {"team": "risk"},
                "public_network_access": "enabled",
                "identity": {"type": "user_assigned", "user_assigned_identities": [USER]},
            },
            "model": {"description": "The model", "tags": {"stage": "test"}},
            "deployment": {
                "description": "The deployment",
                "tags": {"stage": "test"},
                "instance_count": 2,
                "environment_variables": {"LEVEL": "debug", "WORKER_COUNT": 2},
                "app_insights_enabled": True,
                "request_settings": {"request_timeout_ms": 1500, "max_concurrent_requests_per_instance": 4},
                "liveness_probe": {"initial_delay": 600, "period": 7, "timeout": 3, "failure_threshold": 9},
                "readiness_probe": {"initial_delay": 5, "success_threshold": 2},
            },
        },
        endpoint=lambda e: {
            "description": "Churn, {much}",
            "tags": {"team": "risk"},
            "public_network_access": "enabled",
            "identity": e.IdentityConfiguration(
                type="user_assigned", user_assigned_identities=[e.ManagedIdentityConfiguration(resource_id=USER)]
            ),
        },
        model={"description": "The model", "tags": {"stage": "test"}},
        deployment=lambda e: {
            "description": "The deployment",
            "tags": {"stage": "test"},
            "instance_count": 2,
            "environment_variables": {"LEVEL": "debug", "WORKER_COUNT": "2"},
            "app_insights_enabled": True,
            "request_settings": e.OnlineRequestSettings(
                request_timeout_ms=1500, max_concurrent_requests_per_instance=4
            ),
            "liveness_probe": e.ProbeSettings(initial_delay=600, period=7, timeout=3, failure_threshold=9),
            "readiness_probe": e.ProbeSettings(initial_delay=5, success_threshold=2),
        },
        plan_then={
            "endpoint": {"description": "Churn, changed", "tags": {"team": "fraud"}},
            "deployment": {
                "description": "Changed",
                "tags": {"stage": "live"},
                "instance_count": 1,
                "environment_variables": {"LEVEL": "info", "WORKER_COUNT": 2},
                "request_settings": {"request_timeout_ms": 90_000, "max_concurrent_requests_per_instance": 4},
                "liveness_probe": {"initial_delay": 20, "period": 7, "timeout": 3, "failure_threshold": 9},
                "readiness_probe": {"initial_delay": 5, "period": 30, "success_threshold": 2},
            },
        },
        sdk_then=another,
    ),
    "data collected": Case(
        plan={
            "endpoint": {"auth_mode": "aml_token"},
            "deployment": {
                "data_collector": {
                    "collections": {
                        "request": {"enabled": "True"},
                        "model_inputs": {"enabled": "False", "data": {"name": "NAME-inputs", "version": 4}},
                    },
                    "sampling_rate": 0.25,
                    "rolling_rate": "minute",
                    "request_logging": {"capture_headers": ["x-request-id"]},
                }
            },
        },
        endpoint=lambda e: {"auth_mode": "aml_token"},
        deployment=lambda e: {
            "data_collector": e.DataCollector(
                collections={
                    "request": e.DeploymentCollection(enabled="True"),
                    "model_inputs": e.DeploymentCollection(
                        enabled="False", data=e.DataAsset(name="NAME-inputs", version="4")
                    ),
                },
                sampling_rate=0.25,
                rolling_rate="minute",
                request_logging=e.RequestLogging(capture_headers=["x-request-id"]),
            )
        },
        data=("NAME-blue-request/versions/1", "NAME-inputs/versions/4"),
    ),
    "own container": Case(
        plan={
            "endpoint": {"auth_mode": "aad_token"},
            "deployment": {
                "model_mount_path": "/models",
                "environment": {"image": "contoso.azurecr.io/serve:1", "inference_config": ROUTES},
            },
        },
        endpoint=lambda e: {"auth_mode": "aad_token"},
        model_path="model/factor.json",
        deployment=lambda e: {"model_mount_path": "/models"},
        environment=lambda e, folder: {"image": "contoso.azurecr.io/serve:1", "inference_config": ROUTES},
        code=False,
        serves=False,
    ),
    "build context": Case(
        plan={"deployment": {"environment": {"build": {"path": "docker"}, "inference_config": ROUTES}}},
        environment=lambda e, folder: {
            "build": e.BuildContext(path=str(folder / "docker")),
            "inference_config": ROUTES,
        },
        code=False,
        serves=False,
    ),
    "MLflow without code": Case(
        {"model": {"type": "mlflow_model"}}, model={"type": "mlflow_model"}, environment=None, code=False, mlflow=True
    ),
}


def material(artifacts: Path, folder: Path, author: str, mlflow: bool) -> Path:
    """A model, a scoring script, an environment and a build context; their contents are the author's own."""
    shutil.copytree(artifacts, folder)
    example = presets.folder() / "mlflow-xgboost"
    if mlflow:
        shutil.copytree(example / "model", folder / "model", dirs_exist_ok=True)
    (folder / "model" / "deep").mkdir()
    (folder / "model" / "deep" / "author.txt").write_text(author)
    with (folder / "code" / "score.py").open("a") as script:
        script.write(f"\n# {author}\n")
    conda = folder / "conda.yml"
    conda.write_text(f"name: scoring\n{conda.read_text()}")
    (folder / "docker").mkdir()
    (folder / "docker" / "Dockerfile").write_text(f"FROM python:3.11-slim\n# {author}\n")
    sample = (example / "sample-request.json").read_text() if mlflow else '{"number": 14}'
    (folder / "request.json").write_text(sample)
    return folder


def by_notebook(client: Any, case: Case, name: str, folder: Path, settled: Callable[[str], dict[str, Any]]) -> Any:
    """The flow with the SDK; returns the model's answer, or None for what a rehearsal does not run.

    The ends are asked for here: the SDK itself looks after an endpoint every half minute only.
    """
    from azure.ai.ml import entities as e

    endpoint = f"onlineEndpoints/{name}"
    wanted = {"auth_mode": "key", "public_network_access": "disabled", **case.endpoint(e)}
    client.online_endpoints.begin_create_or_update(e.ManagedOnlineEndpoint(name=name, **wanted))
    assert settled(endpoint)["properties"]["provisioningState"] == "Succeeded"
    model = client.models.create_or_update(
        e.Model(name=f"{name}-model", path=str(folder / case.model_path), **{"type": "custom_model", **case.model})
    )
    more = renamed({"instance_count": 1, **case.deployment(e)}, name)
    if case.environment:
        more["environment"] = client.environments.create_or_update(
            e.Environment(name=f"{name}-model-env", **case.environment(e, folder))
        )
    if case.code:
        more["code_configuration"] = e.CodeConfiguration(code=str(folder / "code"), scoring_script="score.py")
    client.online_deployments.begin_create_or_update(
        e.ManagedOnlineDeployment(name="blue", endpoint_name=name, model=model, instance_type="Standard_DS2_v2", **more)
    )
    state = settled(f"{endpoint}/deployments/blue")["properties"]["provisioningState"]
    assert state == ("Succeeded" if case.serves else "Failed")
    if not case.serves:
        return None
    made = client.online_endpoints.get(name)
    made.traffic = {"blue": 100}
    client.online_endpoints.begin_create_or_update(made)
    settled(endpoint)
    keys = client.online_endpoints.get_keys(name)
    secret = keys.primary_key if made.auth_mode == "key" else keys.access_token
    headers = {"Authorization": f"Bearer {secret}"}
    body = json.loads((folder / "request.json").read_text())
    answer = requests.post(made.scoring_uri, json=body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def change_by_notebook(client: Any, case: Case, name: str, settled: Callable[[str], dict[str, Any]]) -> None:
    """Read, changed, sent back."""
    assert case.sdk_then is not None
    endpoint, deployment = client.online_endpoints.get(name), client.online_deployments.get("blue", name)
    case.sdk_then(endpoint, deployment)
    client.online_deployments.begin_create_or_update(deployment)
    settled(f"onlineEndpoints/{name}/deployments/blue")
    client.online_endpoints.begin_create_or_update(endpoint)
    settled(f"onlineEndpoints/{name}")


def renamed(value: Any, name: str) -> Any:
    """The arguments of a case with the endpoint's name in them, data assets of the SDK too."""
    if isinstance(value, str):
        return value.replace("NAME", name)
    if isinstance(value, dict):
        return {key: renamed(item, name) for key, item in value.items()}
    for collection in getattr(value, "collections", {}).values():
        if getattr(collection.data, "name", None):
            collection.data.name = renamed(collection.data.name, name)
    return value


def plan_of(case: Case, name: str, folder: Path, changed: bool = False) -> Path:
    """The same as a plan file."""
    then = case.plan_then if changed else {}
    endpoint = {**case.plan.get("endpoint", {}), **then.get("endpoint", {})}
    deployment = {**case.plan.get("deployment", {}), **then.get("deployment", {})}
    model = {"name": f"{name}-model", "path": case.model_path, "type": "custom_model", **case.plan.get("model", {})}
    tree: dict[str, Any] = {
        "workspace": {
            "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
            "resource_group": "${env:AZURE_RESOURCE_GROUP}",
            "name": "${env:AZURE_ML_WORKSPACE}",
        },
        "endpoint": {"name": name, "public_network_access": "disabled", **endpoint},
        "deployment": {
            "name": "blue",
            "model": model,
            "instance_type": "Standard_DS2_v2",
            **({"environment": {"conda_file": "conda.yml", "image": IMAGE}} if case.environment else {}),
            **renamed(deployment, name),
        },
        "traffic": {"blue": 100},
        "test": {"request": "request.json"},
    }
    if case.code:
        tree["deployment"]["code_configuration"] = {"code": "code", "scoring_script": "score.py"}
    path = folder / "plan.yml"
    path.write_text(json.dumps(tree), encoding="utf-8")  # JSON is YAML
    return path


def by_plan(plan: Path, environ: dict[str, str], expected: int) -> Any:
    """The run; returns the model's answer, or None where there is none."""
    command = [sys.executable, "-m", "tui", "apply", str(plan), "--yes", "--json"]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == expected, done.stderr[-2000:] + done.stdout[-3000:]
    last = json.loads(done.stdout.splitlines()[-1])
    return json.loads(last["test"]["response"]) if last["test"] else None


def left(arm: Arm, case: Case, name: str) -> dict[str, Any]:
    """Everything that was made for an endpoint, by what it is, without the endpoint's name and what is made up."""

    def read(path: str) -> Any:
        answer = arm.call("GET", path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    deployment = read(f"onlineEndpoints/{name}/deployments/blue")
    found = {
        "endpoint": read(f"onlineEndpoints/{name}"),
        "deployment": deployment,
        "model": read(f"models/{name}-model/versions/1"),
        **{f"data {one}": read(f"data/{renamed(one, name)}") for one in case.data},
    }
    if case.code:
        found["code"] = read(deployment["properties"]["codeConfiguration"]["codeId"])
    collections = [f"onlineEndpoints/{name}/deployments", f"models/{name}-model/versions"]
    if case.environment:
        found["environment"] = read(f"environments/{name}-model-env/versions/1")
        collections.append(f"environments/{name}-model-env/versions")
    found["how many"] = {one: len(read(one)["value"]) for one in collections}
    return dict(json.loads(MADE_UP.sub("MADE-UP", json.dumps(found).replace(name, "NAME"))))


def members(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every value of a tree with the way to it."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from members(item, f"{where}.{key}")
    else:
        yield where, value


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is not the same and may not differ: ours and theirs, by the way to it."""
    first, second = (dict(pair for key in tree for pair in members(tree[key], key)) for tree in (ours, theirs))
    every = {**first, **second}
    # An empty object is compared by what the other one has in it.
    every = {key for key, item in every.items() if item != {} or not any(one.startswith(f"{key}.") for one in every)}
    unlike = {key for key in every if first.get(key, "absent") != second.get(key, "absent")}
    named = {key for key in unlike if any(fnmatch.fnmatchcase(key, pattern) for pattern in MAY_DIFFER)}
    return {key: (first.get(key, "absent"), second.get(key, "absent")) for key in sorted(unlike - named)}


@pytest.mark.parametrize(
    "title",
    [pytest.param(one, marks=() if one in ("little", "own container") else pytest.mark.slow) for one in CASES],
)
def test_the_notebook_and_apply_leave_the_same(
    title: str,
    ml_client: Any,
    arm: Arm,
    name: str,
    rehearsal_env: dict[str, str],
    settled: Callable[[str], dict[str, Any]],
    artifacts: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    case = CASES[title]
    theirs, ours = f"{name}-sdk", f"{name}-our"
    folder = tmp_path_factory.mktemp("same")
    files = {author: material(artifacts, folder / author, author, case.mlflow) for author in (theirs, ours)}
    answer = by_notebook(ml_client, case, theirs, files[theirs], settled)
    plan = plan_of(case, ours, files[ours])
    assert by_plan(plan, rehearsal_env, 0 if case.serves else 1) == answer
    assert differences(left(arm, case, ours), left(arm, case, theirs)) == {}
    if case.sdk_then is not None:
        change_by_notebook(ml_client, case, theirs, settled)
        by_plan(plan_of(case, ours, plan.parent, changed=True), rehearsal_env, 0)
        assert differences(left(arm, case, ours), left(arm, case, theirs)) == {}
