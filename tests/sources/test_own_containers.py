"""Build contexts, containers with their own routes, identity and data collection: what `apply` makes of them.

Without a container engine a rehearsal runs no containers: so what is registered is looked at, and the refusal that
follows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.cloud.assets import environments
from tui.cloud.errors import Cancelled
from tui.cloud.http import arm
from tui.cloud.session import Cloud, connect
from tui.cloud.sources import blob_source
from tui.cloud.storage.datastore import default_datastore
from tui.plan import presets
from tui.plan.model import BuildContext, Environment, InferenceConfig, Plan, Route, Workspace

ROOT = Path(__file__).resolve().parents[2]
USER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
CONFIG = InferenceConfig(Route("/health/live", 8501), Route("/health/ready", 8501), Route("/v1/predict", 8501))


@pytest.fixture
def cloud(rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """A connection to the rehearsal's workspace."""
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    return connect(Plan(workspace=Workspace(**rehearsal["workspaces"]["managed"])))


def body_of(cloud: Cloud, path: str, version: str = arm.ENVIRONMENTS) -> dict[str, Any]:
    """What Resource Manager has at a path of the workspace."""
    found = cloud.arm.find(f"{cloud.workspace_id}/{path}", version)
    assert found is not None
    return found


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A folder with a Dockerfile and something beside it."""
    folder = tmp_path / "serve"
    (folder / "app").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM python:3.11-slim\nCOPY app /app\n")
    (folder / "app" / "main.py").write_text(f"print('{tmp_path.name}')\n")
    return folder


def test_a_build_context_is_uploaded_and_registered_once(cloud: Cloud, context: Path) -> None:
    wanted = Environment(name=f"serve-{os.getpid()}", build=BuildContext(context), inference_config=CONFIG)
    assert environments.find(cloud, wanted) is None
    seen: list[tuple[int, int]] = []
    made = environments.register(cloud, wanted, progress=lambda done, total: seen.append((done, total)))
    assert (made.version, made.reused) == ("1", False)
    size = sum(file.stat().st_size for file in context.rglob("*") if file.is_file())
    assert seen[-1] == (size, size)
    properties = body_of(cloud, f"environments/{wanted.name}/versions/1")["properties"]
    assert properties["inferenceConfig"] == {
        "livenessRoute": {"path": "/health/live", "port": 8501},
        "readinessRoute": {"path": "/health/ready", "port": 8501},
        "scoringRoute": {"path": "/v1/predict", "port": 8501},
    }
    assert properties["build"]["dockerfilePath"] == "Dockerfile"
    address = properties["build"]["contextUri"]
    assert address.endswith("/serve/")
    target = default_datastore(cloud)
    below = address.rstrip("/").removeprefix(f"{target.account_url}/{target.container}/")
    client = blob_source._container(cloud, blob_source.Place(target.account_url, target.container, ""))
    names = {blob.name.removeprefix(f"{below}/") for blob in client.list_blobs(name_starts_with=f"{below}/")}
    assert names == {"Dockerfile", "app/main.py"}

    assert environments.register(cloud, wanted).reused
    (context / "Dockerfile").write_text("FROM python:3.12-slim\n")
    assert environments.find(cloud, wanted) is None
    assert environments.register(cloud, wanted).version == "2"
    other = Environment(**{**vars(wanted), "inference_config": None})
    assert environments.find(cloud, other) is None


def test_an_upload_that_is_cancelled_registers_nothing(cloud: Cloud, context: Path) -> None:
    wanted = Environment(name=f"never-{os.getpid()}", build=BuildContext(context))
    with pytest.raises(Cancelled):
        environments.register(cloud, wanted, cancelled=lambda: True)
    assert cloud.arm.find(f"{cloud.workspace_id}/environments/{wanted.name}", arm.ENVIRONMENTS) is None


def test_a_context_that_azure_fetches_itself_is_named(cloud: Cloud) -> None:
    url = "https://github.com/contoso/serve.git#main:docker"
    wanted = Environment(name=f"git-{os.getpid()}", build=BuildContext(url=url, dockerfile_path="serve.Dockerfile"))
    environments.register(cloud, wanted)
    build = body_of(cloud, f"environments/{wanted.name}/versions/1")["properties"]["build"]
    assert build == {"contextUri": url, "dockerfilePath": "serve.Dockerfile"}
    assert environments.register(cloud, wanted).reused


def applied(folder: Path, environ: dict[str, str], name: str, environment: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of `apply` on a plan whose environment needs Docker, with everything seldom set that can be set."""
    model = presets.folder() / "own-score" / "model"
    tree = {
        "workspace": {
            "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
            "resource_group": "${env:AZURE_RESOURCE_GROUP}",
            "name": "${env:AZURE_ML_WORKSPACE}",
        },
        "endpoint": {
            "name": name,
            "identity": {"type": "user_assigned", "user_assigned_identities": [USER]},
            "tags": {"team": "risk"},
        },
        "deployment": {
            "name": "blue",
            "model": {"path": str(model), "name": f"{name}-model", "type": "custom_model"},
            "environment": environment,
            "model_mount_path": "/models",
            "app_insights_enabled": True,
            "request_settings": {"request_timeout_ms": 90_000, "max_concurrent_requests_per_instance": 7},
            "liveness_probe": {"initial_delay": 600, "failure_threshold": 3},
            "tags": {"stage": "test"},
            "data_collector": {
                "collections": {
                    "request": {"enabled": "True"},
                    "model_inputs": {"enabled": "False", "data": {"name": "inputs", "version": 4}},
                },
                "sampling_rate": 0.25,
                "rolling_rate": "minute",
                "request_logging": {"capture_headers": ["x-request-id"]},
            },
        },
    }
    plan = folder / "plan.yml"
    plan.write_text(yaml.safe_dump(tree))
    done = subprocess.run(
        [sys.executable, "-m", "tui", "apply", str(plan), "--yes", "--json"],
        env={**environ, "AML_DEPLOY_HOME": str(folder / "home")},
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr[-2000:] + done.stdout[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_apply_registers_a_container_and_the_card_says_what_is_not_the_matter(
    cloud: Cloud, rehearsal_env: dict[str, str], tmp_path: Path, context: Path
) -> None:
    routes = {
        name: {"path": f"/{name}", "port": 5001} for name in ("liveness_route", "readiness_route", "scoring_route")
    }
    name = f"own-{os.getpid()}"
    events = applied(tmp_path, rehearsal_env, name, {"image": "contoso.azurecr.io/serve:1", "inference_config": routes})
    ended = {one["task"]: one["status"] for one in events if one["event"] == "task_finished"}
    assert {task: ended[task] for task in ("endpoint", "model", "code", "environment", "deployment")} == {
        "endpoint": "succeeded", "model": "succeeded", "code": "skipped", "environment": "succeeded",
        "deployment": "failed",
    }  # fmt: skip
    (card,) = [one["card"] for one in events if one["event"] == "needs_attention"]
    assert card["id"] == "rehearsal-no-engine"
    assert "Up to this point the plan is fine" in card["cause"] and "/scoring_route on port 5001" in card["cause"]
    assert "Here: --container-engine none was chosen." in card["cause"]
    assert "image and a conda file" in card["remedy"]

    # What Azure would have been given.
    endpoint = body_of(cloud, f"onlineEndpoints/{name}", arm.ENDPOINTS)
    assert endpoint["identity"]["type"] == "UserAssigned" and list(endpoint["identity"]["userAssignedIdentities"]) == [
        USER
    ]
    assert endpoint["tags"]["team"] == "risk"
    made = body_of(cloud, f"onlineEndpoints/{name}/deployments/blue", arm.DEPLOYMENTS)
    assert made["tags"]["stage"] == "test"
    properties = made["properties"]
    assert properties["environmentId"].endswith(f"/environments/{name}-model-env/versions/1")
    assert (properties["modelMountPath"], properties["codeConfiguration"]) == ("/models", None)
    assert properties["appInsightsEnabled"] is True
    assert properties["requestSettings"]["requestTimeout"] == "PT1M30S"
    assert properties["requestSettings"]["maxConcurrentRequestsPerInstance"] == 7
    assert (properties["livenessProbe"]["initialDelay"], properties["livenessProbe"]["failureThreshold"]) == (
        "PT10M",
        3,
    )
    collector = properties["dataCollector"]
    assert (collector["rollingRate"], collector["requestLogging"]) == ("Minute", {"captureHeaders": ["x-request-id"]})
    modes = {key: (one["dataCollectionMode"], one["samplingRate"]) for key, one in collector["collections"].items()}
    assert modes == {"request": ("Enabled", 0.25), "model_inputs": ("Disabled", 0.25)}
    assert collector["collections"]["model_inputs"]["dataId"].endswith("/data/inputs/versions/4")
    asset = body_of(cloud, f"data/{name}-blue-request/versions/1", "2023-04-01-preview")["properties"]
    assert asset["dataUri"].endswith(f"/paths/modelDataCollector/{name}/blue/request/")


@pytest.mark.slow
def test_apply_registers_a_build_context_and_the_refusal_names_it(
    rehearsal_env: dict[str, str], tmp_path: Path, context: Path
) -> None:
    build = {"build": {"path": str(context)}}
    name = f"built-{os.getpid()}"
    routes = {one: {"path": "/", "port": 80} for one in ("liveness_route", "readiness_route", "scoring_route")}
    events = applied(tmp_path, rehearsal_env, name, {**build, "inference_config": routes})
    assert [one for one in events if one["event"] == "task_progress" and one["task"] == "environment"]
    (card,) = [one["card"] for one in events if one["event"] == "needs_attention"]
    assert card["id"] == "rehearsal-no-engine"
    assert "cannot build the Dockerfile 'Dockerfile'" in card["cause"]
