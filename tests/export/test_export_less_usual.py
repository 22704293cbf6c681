"""Identity, data collection, build contexts and containers of one's own in the exports, and read back from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from exporting import exported, own_preset

from tui.cloud.az_yaml import import_files
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

USER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-churn",
    "UAI": USER,
}
ROUTE = {"path": "/score", "port": 5001}
ROUTES = {"scoring_route": ROUTE, "liveness_route": ROUTE, "readiness_route": ROUTE}


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The preset with identity, data collection, a build context and routes."""
    path = own_preset(tmp_path)
    tree = yaml.safe_load(path.read_text())
    tree["endpoint"]["identity"] = {"type": "user_assigned", "user_assigned_identities": [USER]}
    deployment = tree["deployment"]
    deployment["data_collector"] = {
        "collections": {
            "model_inputs": {"enabled": True, "data": "azureml:inputs:2"},
            "request": {"enabled": "False"},
        },
        "sampling_rate": 0.5,
        "rolling_rate": "Day",
        "request_logging": {"capture_headers": ["x-request-id"]},
    }
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "serve.Dockerfile").write_text("FROM scratch\n")
    deployment["environment"] = {
        "name": "churn-serve",
        "build": {"path": "docker", "dockerfile_path": "serve.Dockerfile"},
        "inference_config": ROUTES,
    }
    deployment["model_mount_path"] = "/models"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def test_the_import_reads_the_same_plan(plan: Path, tmp_path: Path) -> None:
    made = exported(plan, "az-yaml", tmp_path / "out" / "deep")
    back = import_files([tmp_path / "out/deep/endpoint.yml", tmp_path / "out/deep/deployment.yml"])
    assert not back.left_out and not made.notes
    before, after = resolve(load(plan), ENVIRON), resolve(back, ENVIRON)
    assert after.endpoint == before.endpoint
    assert after.deployment == before.deployment


def test_the_sdk_reads_them_as_it_would_send_them(plan: Path, tmp_path: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    exported(plan, "az-yaml", tmp_path / "out")
    identity = load_online_endpoint(tmp_path / "out" / "endpoint.yml").identity
    assert (identity.type, [one.resource_id for one in identity.user_assigned_identities]) == ("user_assigned", [USER])
    deployment = load_online_deployment(tmp_path / "out" / "deployment.yml")
    collected = deployment.data_collector.collections
    assert {name: one.enabled for name, one in collected.items()} == {"model_inputs": "true", "request": "false"}
    assert (collected["model_inputs"].data.name, collected["model_inputs"].data.version) == ("inputs", "2")
    assert (deployment.data_collector.sampling_rate, deployment.data_collector.rolling_rate) == (0.5, "day")
    assert deployment.data_collector.request_logging.capture_headers == ["x-request-id"]
    assert deployment.model_mount_path == "/models"
    environment = deployment.environment
    assert Path(environment.path).resolve() == tmp_path / "docker"
    assert environment.build.dockerfile_path == "serve.Dockerfile"
    assert environment.inference_config.scoring_route.port == 5001


def test_a_reference_in_a_list_is_set_by_the_script(plan: Path, tmp_path: Path) -> None:
    plan.write_text(plan.read_text().replace(USER, "${env:UAI}"))
    exported(plan, "az-yaml", tmp_path / "out")
    assert "${" not in (tmp_path / "out" / "endpoint.yml").read_text()
    script = (tmp_path / "out" / "deploy.sh").read_text()
    assert '--set identity.user_assigned_identities[0].resource_id="${UAI}"' in script
    assert ': "${UAI:?' in script


@pytest.mark.parametrize(("to", "name"), [("python", "deploy.py"), ("notebook", "deploy_notebook.py")])
def test_the_program_makes_the_entities_that_the_yaml_describes(plan: Path, tmp_path: Path, to: str, name: str) -> None:
    """The program's own lines make them, without a service: only what it hands over is looked at."""
    from azure.ai.ml import entities

    made = exported(plan, to, tmp_path)
    assert not [note for note in made.notes if "not in this file" in note]
    text = (tmp_path / name).read_text()
    names: dict[str, Any] = {**vars(entities), "HERE": tmp_path, "Path": Path}
    handed: dict[str, Any] = {}
    for kind in ("ManagedOnlineEndpoint", "Environment", "ManagedOnlineDeployment"):
        real = names[kind]
        names[kind] = lambda real=real, kind=kind, **given: handed.setdefault(kind, real(**given))
    names.update(client=Client(), ResourceNotFoundError=KeyError, dbutils=None, print=lambda *words: None)
    body = text[text.index("ENDPOINT = ") : text.index("endpoint = client.online_endpoints.get(ENDPOINT)\nendpoint.")]
    exec("\n".join(line for line in body.splitlines() if not line.startswith("# ")), names)

    users = handed["ManagedOnlineEndpoint"].identity.user_assigned_identities
    assert [one.resource_id for one in users] == [USER]
    sent = handed["ManagedOnlineDeployment"].data_collector._to_rest_object().as_dict()
    assert sent["rollingRate"] == "day" and sent["requestLogging"] == {"captureHeaders": ["x-request-id"]}
    modes = {name: one["dataCollectionMode"] for name, one in sent["collections"].items()}
    assert modes == {"model_inputs": "enabled", "request": "disabled"}
    environment = handed["Environment"]
    assert (environment.build.path, environment.build.dockerfile_path) == (str(tmp_path / "docker"), "serve.Dockerfile")
    assert environment.inference_config == ROUTES


class Client:
    """A client that has nothing, and takes everything."""

    def __getattr__(self, name: str) -> Any:
        return self

    def get(self, name: str) -> Any:
        raise KeyError(name)

    def __call__(self, *given: Any, **more: Any) -> Any:
        return self


def test_the_runbook_and_the_prerequisites_name_the_identity(plan: Path, tmp_path: Path) -> None:
    exported(plan, "docs", tmp_path / "docs")
    runbook = (tmp_path / "docs" / "RUNBOOK.md").read_text()
    assert "churn-uai" in runbook and "model_inputs" in runbook and "/score" in runbook
    exported(plan, "bicep", tmp_path / "bicep")
    assert f"param endpointIdentityId = '{USER}'" in (tmp_path / "bicep" / "main.bicepparam").read_text()
    assert (tmp_path / "bicep" / "modules" / "endpoint-identity.bicep").is_file()


def test_the_pipeline_watches_the_build_context(plan: Path, tmp_path: Path) -> None:
    exported(plan, "github-actions", tmp_path)
    (workflow,) = (tmp_path / ".github" / "workflows").glob("*.yml")
    assert "docker/**" in workflow.read_text()
