"""Files of `az ml` as a plan: what is taken over, what is said about the rest, which files are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.cloud import az_yaml
from tui.cloud.az_yaml import import_files
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid

ENDPOINT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: my-endpoint
auth_mode: key
public_network_access: disabled
tags: {team: risk}
traffic: {blue: 90, green: 10}
mirror_traffic: {}
"""
DEPLOYMENT = """\
$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: blue
endpoint_name: my-endpoint
model:
  path: ../model/
  name: churn
  type: custom_model
code_configuration:
  code: ../code/
  scoring_script: score.py
environment:
  conda_file: ../env/conda.yaml
  image: mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest
instance_type: Standard_DS3_v2
instance_count: 2
environment_variables: {WORKER_COUNT: 2}
request_settings:
  request_timeout_ms: 3000
liveness_probe: {initial_delay: 30}
scale_settings: {type: default}
"""
PLACE = {"AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001", "AZURE_RESOURCE_GROUP": "rg"}
ENVIRON = {**PLACE, "AZURE_ML_WORKSPACE": "ws-churn"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files as a repository has them: the YAML in one folder, code, model and conda file in others."""
    for name in ("deploy", "model", "code", "env"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "model.ubj").write_bytes(b"x")
    (tmp_path / "code" / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (tmp_path / "env" / "conda.yaml").write_text("dependencies: [python=3.11]\n")
    (tmp_path / "deploy" / "endpoint.yml").write_text(ENDPOINT)
    (tmp_path / "deploy" / "blue.yml").write_text(DEPLOYMENT)
    return tmp_path / "deploy"


@pytest.mark.smoke
@pytest.mark.parametrize("turned", [False, True])
def test_a_pair_in_either_order_is_the_plan_it_describes(folder: Path, turned: bool) -> None:
    paths = [folder / "endpoint.yml", folder / "blue.yml"]
    document = import_files(paths[::-1] if turned else paths)
    assert not document.left_out
    plan = resolve(document, ENVIRON)
    assert (plan.endpoint.name, plan.endpoint.tags) == ("my-endpoint", {"team": "risk"})
    assert plan.traffic == {"blue": 90, "green": 10}
    assert plan.deployment.model.path == (folder.parent / "model").resolve()
    assert plan.deployment.environment.conda_file == (folder.parent / "env" / "conda.yaml").resolve()
    assert plan.deployment.instance_count == 2
    assert plan.deployment.environment_variables == {"WORKER_COUNT": "2"}
    assert plan.deployment.liveness_probe.initial_delay == 30
    assert plan.workspace.name == "ws-churn"
    assert document.source("deployment.instance_count") == "blue.yml, line 15"
    assert document.source("endpoint.auth_mode") == "endpoint.yml, line 3"


def test_a_deployment_alone_names_its_endpoint(folder: Path) -> None:
    document = import_files([folder / "blue.yml"])
    assert document.get("endpoint.name") == "my-endpoint"
    assert resolve(document, ENVIRON).endpoint.public_network_access == "disabled"


def test_a_saved_import_is_the_same_plan_elsewhere(folder: Path, tmp_path: Path) -> None:
    document = import_files([folder / "endpoint.yml", folder / "blue.yml"])
    plan = resolve(document, ENVIRON)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    document.save(elsewhere / "plan.yml")
    assert resolve(load(elsewhere / "plan.yml"), ENVIRON).hash == plan.hash


def test_files_without_a_schema_are_known_by_their_keys(folder: Path) -> None:
    for name in ("endpoint.yml", "blue.yml"):
        lines = (folder / name).read_text().splitlines(keepends=True)[1:]
        (folder / name).write_text("".join(lines))
    document = import_files([folder / "endpoint.yml", folder / "blue.yml"])
    assert document.get("endpoint.auth_mode") == "key" and document.get("deployment.name") == "blue"


def test_registered_assets_stay_references(folder: Path) -> None:
    (folder / "blue.yml").write_text(
        "name: blue\nendpoint_name: my-endpoint\nmodel: azureml:churn:3\ninstance_type: Standard_DS3_v2\n"
        "environment: azureml:churn-env@latest\ncode_configuration: {code: ../code, scoring_script: score.py}\n"
    )
    plan = resolve(import_files([folder / "blue.yml"]), ENVIRON)
    assert plan.deployment.model.registered == "azureml:churn:3"
    assert plan.deployment.environment.registered == "azureml:churn-env@latest"


def test_assets_in_files_of_their_own_are_taken_in(folder: Path) -> None:
    (folder.parent / "env" / "environment.yml").write_text("name: churn-env\nconda_file: conda.yaml\nimage: base:1\n")
    text = (folder / "blue.yml").read_text()
    start, end = text.index("environment:\n"), text.index("instance_type")
    (folder / "blue.yml").write_text(text[:start] + "environment: file:../env/environment.yml\n" + text[end:])
    plan = resolve(import_files([folder / "blue.yml"]), ENVIRON)
    assert plan.deployment.environment.conda_file == (folder.parent / "env" / "conda.yaml").resolve()
    assert plan.deployment.environment.name == "churn-env"


def test_what_a_plan_has_no_place_for_is_listed_with_its_line(folder: Path) -> None:
    text = (
        (folder / "blue.yml")
        .read_text()
        .replace("scale_settings: {type: default}", "scale_settings: {type: target_utilization}")
    )
    text += "properties:\n  deep: 1\nrequest_settings: {max_queue_wait_ms: 600}\n"
    text = text.replace("request_settings:\n  request_timeout_ms: 3000\n", "")
    (folder / "blue.yml").write_text(text)
    document = import_files([folder / "blue.yml"])
    told = {problem.key: problem.line for problem in document.left_out}
    lines = text.splitlines()
    assert told == {
        key: number + 1
        for key, start in (
            ("scale_settings", "scale_settings"),
            ("properties", "properties"),
            ("request_settings.max_queue_wait_ms", "request_settings"),
        )
        for number, line in enumerate(lines)
        if line.startswith(start)
    }
    assert all(str(folder / "blue.yml") == problem.file for problem in document.left_out)
    assert resolve(document, ENVIRON)


def test_several_deployments_become_a_list(folder: Path) -> None:
    green = (folder / "blue.yml").read_text().replace("name: blue", "name: green")
    (folder / "green.yml").write_text(green)
    plan = resolve(import_files([folder / "blue.yml", folder / "green.yml", folder / "endpoint.yml"]), ENVIRON)
    assert [one.name for one in plan.every_deployment] == ["blue", "green"]
    assert plan.every_deployment[1].code_configuration is not None


def test_a_deployment_without_its_endpoints_name_belongs_to_the_endpoint_beside_it(folder: Path) -> None:
    blue = folder / "blue.yml"
    blue.write_text(blue.read_text().replace("endpoint_name: my-endpoint\n", ""))
    plan = resolve(import_files([folder / "endpoint.yml", blue]), ENVIRON)
    assert (plan.endpoint.name, plan.deployment.name) == ("my-endpoint", "blue")
    with pytest.raises(PlanInvalid, match=r"endpoint_name.*pass --endpoint-name NAME"):
        import_files([blue])
    assert import_files([blue], "mine").get("endpoint.name") == "mine"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("blue.yml", "$schema: x/kubernetesOnlineDeployment.schema.json\nname: b\n", "Kubernetes"),
        ("blue.yml", "name: b\n  bad: [", "not valid YAML"),
        ("blue.yml", "[1, 2]", "no keys"),
        ("blue.yml", "workspace: {name: x}\n", "already a plan"),
        ("blue.yml", "command: python x.py\n", "neither"),
        ("blue.yml", "name: blue\nendpoint_name: another\ninstance_type: S\n", "belongs to the endpoint another"),
        ("blue.yml", "name: blue\nendpoint_name: my-endpoint\ninstance_type: S\ntype: kubernetes\n", "a Kubernetes"),
        ("blue.yml", "name: my-endpoint\nauth_mode: key\ncompute: azureml:k\n", "a Kubernetes"),
        ("blue.yml", ENDPOINT, "second endpoint"),
    ],
)
def test_files_that_are_no_pair_are_refused_with_a_reason(folder: Path, name: str, text: str, says: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(PlanInvalid) as refused:
        import_files([folder / "endpoint.yml", folder / name])
    assert says in str(refused.value) and name in str(refused.value)


def test_an_endpoint_alone_and_a_missing_file_are_refused(folder: Path) -> None:
    with pytest.raises(PlanInvalid, match="no deployment"):
        import_files([folder / "endpoint.yml"])
    with pytest.raises(PlanInvalid, match="No such file"):
        import_files([folder / "nothing.yml"])


@pytest.mark.parametrize(("written", "kind"), [("SystemAssigned", "system_assigned"), ("none", None)])
def test_an_imported_identity_is_in_the_plans_words(tmp_path: Path, written: str, kind: str | None) -> None:
    (tmp_path / "endpoint.yml").write_text(f"name: churn\nauth_mode: key\nidentity: {{type: {written}}}\n")
    text = "name: blue\nendpoint_name: churn\nmodel: azureml:m:1\ninstance_type: Standard_DS3_v2\n"
    (tmp_path / "blue.yml").write_text(text)
    back = import_files([tmp_path / "endpoint.yml", tmp_path / "blue.yml"])
    assert back.get("endpoint.identity.type") == kind
    assert [one.key for one in back.left_out] == ([] if kind else ["identity.type"])


def test_a_missing_key_is_as_far_from_a_form_as_two_wrong_ones() -> None:
    wrong, missing = ("a", "Not a valid integer."), ("b", az_yaml._WORDS[az_yaml._MISSING])
    forms = ([], [wrong], [missing], [wrong, wrong, wrong], [wrong, missing])
    assert [az_yaml._weight(form) for form in forms] == [0, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Unknown field.", "The key is unknown."),
        ("Not  a\nnumber", "Not a number."),
        ("Why?", "Why?"),
        ("ValueError: the cause from raise ValueError(x)", "the cause."),
    ],
)
def test_messages_of_the_sdk_are_sentences(text: str, sentence: str) -> None:
    assert az_yaml._sentence(text) == sentence
