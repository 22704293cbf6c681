"""What azure-ai-ml takes in files of `az ml` is taken, in its spellings and types, and what it refuses is refused."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.cloud.az_yaml import import_files
from tui.cloud.http.sdk_import import import_sdk
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import leaves
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid

IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/"
    "userAssignedIdentities/uai"
)
ENDPOINT = f"""\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: all-of-it
auth_mode: AMLToken
description: every key
tags: {{team: risk}}
properties: {{a: b}}
location: westeurope
kind: Managed
id: x
scoring_uri: https://x/score
openapi_uri: https://x/swagger.json
provisioning_state: Succeeded
public_network_access: Disabled
traffic: {{blue: "90", green: 10.0}}
mirror_traffic: {{canary: "5"}}
identity:
  type: UserAssigned
  principal_id: p
  tenant_id: t
  user_assigned_identities: [{{resource_id: {IDENTITY}}}]
"""
DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: Blue
endpoint_name: all-of-it
type: managed
description: every key
tags: {team: risk}
properties: {a: b}
id: x
provisioning_state: Succeeded
instance_type: Standard_DS3_v2
instance_count: "2"
model_mount_path: /models
app_insights_enabled: "yes"
egress_public_network_access: Disabled
private_network_connection: true
environment_variables: {COUNT: 2}
code_configuration: {code: code, scoring_script: score.py}
request_settings: {request_timeout_ms: "3000", max_concurrent_requests_per_instance: "4", max_queue_wait_ms: 5}
liveness_probe: {initial_delay: "30", period: 11, timeout: 3, success_threshold: 1, failure_threshold: "31"}
readiness_probe: {initial_delay: 31, period: "12", timeout: "4", success_threshold: 1, failure_threshold: 32}
scale_settings:
  type: TargetUtilization
  min_instances: "1"
  max_instances: 3
  polling_interval: 10
  target_utilization_percentage: 70
data_collector:
  collections:
    model_inputs:
      enabled: "True"
      client_id: c
      data:
        name: in
        version: "2"
        data_id: d
    model_outputs: {enabled: "False"}
  rolling_rate: Hour
  sampling_rate: "0.5"
  request_logging: {capture_headers: [x-request-id]}
model:
  name: churn
  version: 3
  path: model
  type: Custom_Model
  description: a model
  tags: {team: risk}
  properties: {a: b}
  stage: Production
  flavors: {python_function: {a: b}}
  datastore: azureml:workspaceblobstore
  utc_time_created: 2024-01-01T00:00:00
  system_metadata: {a: b}
environment: file:env/environment.yml
"""
ENVIRONMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: serve
version: 4
description: an environment
tags: {a: b}
os_type: Linux
datastore: azureml:workspaceblobstore
build: {path: ../docker, dockerfile_path: Serve.Dockerfile}
inference_config:
  liveness_route: {port: "5001", path: /live}
  readiness_route: {port: 5001, path: /ready}
  scoring_route: {port: 5001, path: /score}
"""
BASE = "name: blue\nendpoint_name: churn\ninstance_type: Standard_DS3_v2\n"
ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-churn",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the texts above name."""
    for name in ("model/m.bin", "code/score.py", "docker/Serve.Dockerfile"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "conda.yml").write_text("dependencies: [python=3.11]\n")
    (tmp_path / "env" / "environment.yml").write_text(ENVIRONMENT)
    (tmp_path / "endpoint.yml").write_text(ENDPOINT)
    (tmp_path / "deployment.yml").write_text(DEPLOYMENT)
    return tmp_path


def test_every_key_is_taken_over_or_named(folder: Path) -> None:
    document = import_files([folder / "endpoint.yml", folder / "deployment.yml"])
    assert document.tree["endpoint"] == {
        "name": "all-of-it",
        "auth_mode": "aml_token",
        "description": "every key",
        "tags": {"team": "risk"},
        "public_network_access": "disabled",
        "identity": {"type": "user_assigned", "user_assigned_identities": [{"resource_id": IDENTITY}]},
    }
    assert document.tree["traffic"] == {"blue": 90, "green": 10} and document.tree["mirror_traffic"] == {"canary": 5}
    assert document.tree["deployment"] == {
        "name": "blue",
        "description": "every key",
        "tags": {"team": "risk"},
        "instance_type": "Standard_DS3_v2",
        "instance_count": 2,
        "model_mount_path": "/models",
        "app_insights_enabled": True,
        "egress_public_network_access": "disabled",
        "environment_variables": {"COUNT": 2},
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
        "request_settings": {"request_timeout_ms": 3000, "max_concurrent_requests_per_instance": 4},
        "liveness_probe": {"initial_delay": 30, "period": 11, "timeout": 3, "success_threshold": 1,
                           "failure_threshold": 31},
        "readiness_probe": {"initial_delay": 31, "period": 12, "timeout": 4, "success_threshold": 1,
                            "failure_threshold": 32},
        "data_collector": {
            "collections": {
                "model_inputs": {"enabled": "true", "data": {"name": "in", "version": "2"}},
                "model_outputs": {"enabled": "false"},
            },
            "rolling_rate": "hour",
            "sampling_rate": 0.5,
            "request_logging": {"capture_headers": ["x-request-id"]},
        },
        "model": {"name": "churn", "version": "3", "path": "model", "type": "custom_model", "description": "a model",
                  "tags": {"team": "risk"}},
        "environment": {
            "name": "serve",
            "build": {"path": "docker", "dockerfile_path": "Serve.Dockerfile"},
            "inference_config": {
                "liveness_route": {"port": 5001, "path": "/live"},
                "readiness_route": {"port": 5001, "path": "/ready"},
                "scoring_route": {"port": 5001, "path": "/score"},
            },
        },
    }  # fmt: skip
    told = {(Path(str(one.file)).name, one.key, one.line) for one in document.left_out}
    expected = {
        "endpoint.yml": "properties location id scoring_uri openapi_uri provisioning_state identity.principal_id "
        "identity.tenant_id",
        "deployment.yml": "properties id provisioning_state private_network_connection scale_settings "
        "request_settings.max_queue_wait_ms data_collector.collections.model_inputs.client_id "
        "data_collector.collections.model_inputs.data.data_id model.properties model.stage model.flavors "
        "model.datastore model.utc_time_created model.system_metadata",
        "environment.yml": "environment.version environment.description environment.tags "
        "environment.os_type environment.datastore",
    }
    texts = {"endpoint.yml": ENDPOINT, "deployment.yml": DEPLOYMENT, "environment.yml": ENVIRONMENT}
    assert told == {(file, key, line_of(texts[file], key)) for file, keys in expected.items() for key in keys.split()}


def line_of(text: str, key: str) -> int:
    """The number of the line that a dotted key stands in; its own, or that of the map in braces that it is in."""
    above, _, last = key.rpartition(".")
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if line.startswith(f"{above}:")), 0)
    return next(number + 1 for number in range(begin, len(lines)) if re.search(rf"(^|[ {{]){last}:", lines[number]))


def test_the_texts_above_have_every_key_of_the_sdk(folder: Path) -> None:
    """A key that a later azure-ai-ml adds is missed here, and then above."""
    import_sdk()
    from azure.ai.ml import entities

    endpoint, deployment = yaml.safe_load(ENDPOINT), yaml.safe_load(DEPLOYMENT)
    collector = deployment["data_collector"]
    for made, written, not_in_files in (
        (entities.ManagedOnlineEndpoint, endpoint, ()),
        (entities.IdentityConfiguration, endpoint["identity"], ()),
        (entities.ManagedOnlineDeployment, deployment, ("code_path", "scoring_script")),
        (entities.CodeConfiguration, deployment["code_configuration"], ()),
        (entities.OnlineRequestSettings, deployment["request_settings"], ()),
        (entities.ProbeSettings, deployment["liveness_probe"], ()),
        (entities.TargetUtilizationScaleSettings, deployment["scale_settings"], ()),
        (entities.DataCollector, collector, ()),
        (entities.DeploymentCollection, collector["collections"]["model_inputs"], ()),
        (entities.Model, deployment["model"], ("default_deployment_template", "allowed_deployment_templates")),
        (entities.Environment, {**yaml.safe_load(ENVIRONMENT), "image": 1, "conda_file": 1}, ("properties",)),
        (entities.BuildContext, yaml.safe_load(ENVIRONMENT)["build"], ()),
    ):
        parameters = inspect.signature(made.__init__).parameters.values()
        known = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD} - {"self"}
        assert known - set(written) == set(not_in_files), made


def test_values_and_defaults_are_the_sdks(folder: Path) -> None:
    """Every scalar that a plan takes over is what the entity holds; what is not written stays the plan's default."""
    import_sdk()
    from azure.ai.ml import load_online_deployment

    document = import_files([folder / "endpoint.yml", folder / "deployment.yml"])
    entity = load_online_deployment(folder / "deployment.yml")
    compared = 0
    for key, value in leaves({"deployment": document.tree["deployment"]}):
        field = BY_KEY[key]
        if field.kind in ("text", "number", "bool", "choice", "fraction", "map"):
            held: Any = entity
            for name in key.split(".")[1:]:
                held = getattr(held, name)
            assert (value, type(value)) == (held, type(held)), key
            compared += 1
    assert compared > 25
    (folder / "short.yml").write_text(BASE)
    assert import_files([folder / "short.yml"]).tree == {
        "endpoint": {"name": "churn"},
        "deployment": {"name": "blue", "instance_type": "Standard_DS3_v2"},
    }


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("model: azureml:churn:3", {"model": {"path": "azureml:churn:3"}}),
        ("model: azureml:churn@latest", {"model": {"path": "azureml:churn@latest"}}),
        ("model: azureml:churn", {"model": {"path": "azureml:churn"}}),
        (
            "model: azureml://registries/r/models/m/versions/1",
            {"model": {"path": "azureml://registries/r/models/m/versions/1"}},
        ),
        ("model: {name: m, path: runs:/0/model}", {"model": {"name": "m", "path": "runs:/0/model"}}),
        ("model: {path: ./model/../model}", {"model": {"path": "model", "name": "churn-blue-model"}}),
        (
            "model: {name: m, path: azureml://datastores/d/paths/p}",
            {"model": {"name": "m", "path": "azureml://datastores/d/paths/p"}},
        ),
        ("environment: azureml:serve:1", {"environment": {"registered": "azureml:serve:1"}}),
        ("environment: azureml:/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/"
         "workspaces/w/environments/e/versions/1",
         {"environment": {"registered": "azureml:/subscriptions/s/resourceGroups/g/providers/Microsoft."
                          "MachineLearningServices/workspaces/w/environments/e/versions/1"}}),
        ("environment: {image: b, conda_file: env/conda.yml}",
         {"environment": {"image": "b", "conda_file": "env/conda.yml"}}),
        ("environment: {image: b, conda_file: {dependencies: [pip]}}",
         {"environment": {"image": "b", "conda_file": "blue-conda.yml"}}),
        ("scale_settings: {type: Default}", {}),
    ],
)  # fmt: skip
def test_forms_of_assets_are_kept_as_written(folder: Path, written: str, kept: dict[str, Any]) -> None:
    (folder / "blue.yml").write_text(f"{BASE}{written}\n")
    document = import_files([folder / "blue.yml"])
    assert {**document.tree["deployment"]} == {"name": "blue", "instance_type": "Standard_DS3_v2", **kept}
    said = ["environment.conda_file"] * ("pip" in written) + ["model.name"] * ("./model" in written)
    said += ["model"] * ("scale" in written)
    assert [one.key for one in document.left_out] == said
    assert document.inline == ({"blue-conda.yml": "dependencies:\n- pip\n"} if "pip" in written else {})


@pytest.mark.parametrize(
    ("text", "key", "line", "said"),
    [
        (f"{BASE}instance_count: two\n", "instance_count", 4, "Not a valid integer."),
        (f"{BASE}instance_count:\n", "instance_count", 4, "The key has no value."),
        (f"{BASE}some_new_key:\n  deep: 1\n", "some_new_key", 4, "The key is unknown."),
        (f"{BASE}liveness_probe:\n  period: 1\n  periods: 1\n", "liveness_probe.periods", 6, "key is unknown"),
        (f"{BASE}tags: [a]\n", "tags", 4, "Not a valid mapping type."),
        (f"{BASE}type: batch\n", "type", 4, "Value 'batch' passed is not in set ['managed', 'kubernetes']."),
        (f"{BASE}scale_settings:\n  type: none\n", "scale_settings.type", 5, "not in set ['default']"),
        (f"{BASE}scale_settings:\n  type: target_utilization\n  max_instances: x\n",
         "scale_settings.max_instances", 6, "Not a valid integer."),
        (f"{BASE}model: churn:3\n", "model", 4, "azureml:NAME:VERSION"),
        (f"{BASE}model: file:model.yml\n", "model", 4, "azureml:NAME:VERSION"),
        (f"{BASE}model:\n  path: model\n  type: pickle\n", "model.type", 6, "Value 'pickle' passed is not in set"),
        (f"{BASE}model:\n  path: azureml://datastores/d/paths/p\n", "model", 4, "No such file or directory: 'azureml:"),
        (f"{BASE}model:\n  paths: model\n", "model.paths", 5, "The key is unknown."),
        (f"{BASE}environment:\n  image: b\n  conda_file: none.yml\n", "environment", 4, "none.yml."),
        (f"{BASE}environment:\n  image: b\n  dependencies: [pip]\n", "environment", 4, "conda"),
        (f"{BASE}environment:\n  name: a\n  build:\n    path: none\n", "environment.build.path", 7, "Can't find"),
        (f"{BASE}data_collector:\n  collections:\n    model_inputs: {{enabled: true}}\n",
         "data_collector.collections.model_inputs.enabled", 6, "Value True passed is not in set ['true', 'false']."),
        (f"{BASE}data_collector: {{sampling_rate: 0.5}}\n", "", 1, "'collections'"),
        ("endpoint_name: churn\ninstance_type: S\n", "name", 1, "The key is required and missing."),
        ("name: 1\nendpoint_name: churn\ninstance_type: S\n", "name", 1, "Not a valid string."),
        ("auth_mode: key\n", "name", 1, "The key is required and missing."),
        ("name: churn\nauth_mode: password\n", "auth_mode", 2, "['aml_token', 'key', 'aad_token']."),
        ("name: churn\nidentity: {type: mine}\n", "identity.type", 2, "Value 'mine' passed is not in set"),
        ("name: churn\ntraffic: {a: 90, b: 20}\n", "traffic", 2, "less than or equal to 100%."),
        ("name: churn\ntraffic:\n  a: many\n", "traffic.a", 3, "Not a valid integer."),
        ("name: a b\nauth_mode: key\n", "name", 1, "String does not match expected pattern."),
    ],
)  # fmt: skip
def test_what_the_sdk_refuses_is_refused_with_its_reason(
    folder: Path, text: str, key: str, line: int, said: str
) -> None:
    (folder / "file.yml").write_text(text)
    with pytest.raises(PlanInvalid) as refused:
        import_files([folder / "file.yml"])
    problems = refused.value.problems
    assert {(one.key, one.line, one.file) for one in problems} == {(key, line, str(folder / "file.yml"))}
    assert said in problems[0].message
    assert all(re.match(r"azure-ai-ml refuses this[^\x1b\n]*$", one.message) for one in problems)


def test_all_reasons_of_all_files_are_said_at_once_in_the_order_of_their_lines(folder: Path) -> None:
    (folder / "endpoint.yml").write_text("name: churn\nauth_mode: x\n")
    (folder / "blue.yml").write_text(f"{BASE}instance_count: two\nnothing: 1\nmodel: churn\n")
    with pytest.raises(PlanInvalid) as refused:
        import_files([folder / "blue.yml", folder / "endpoint.yml"])
    found = [(Path(str(one.file)).name, one.line) for one in refused.value.problems]
    assert found == [("blue.yml", 4), ("blue.yml", 5), ("blue.yml", 6), ("endpoint.yml", 2)]


def test_what_was_imported_is_a_plan(folder: Path) -> None:
    document = import_files([folder / "endpoint.yml", folder / "deployment.yml"])
    plan = resolve(document, ENVIRON)
    assert (plan.deployment.instance_count, plan.endpoint.auth_mode) == (2, "aml_token")
    assert plan.deployment.environment.build is not None
