"""Invalid plan files are rejected with file, line, key, what is wrong and what would be valid; all problems at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid, Problem

GUID = "11111111-2222-3333-4444-555555555555"
ENVIRON = {"AZURE_SUBSCRIPTION_ID": GUID, "AZURE_RESOURCE_GROUP": "rg", "AZURE_ML_WORKSPACE": "ws-churn"}

GOOD = f"""\
workspace: {{subscription_id: {GUID}, resource_group: rg, name: ws-churn}}
endpoint:
  name: churn-endpoint-01
deployment:
  name: blue
  model: {{name: churn-model-adb, path: model}}
  code_configuration: {{code: code, scoring_script: score.py}}
  environment: {{conda_file: conda.yml, image: "mcr.microsoft.com/azureml/x:1"}}
  instance_type: Standard_DS3_v2
  instance_count: 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (tmp_path / "conda.yml").write_text("dependencies: [python=3.10]\n")
    return tmp_path


def problems_of(folder: Path, text: str, **options) -> list[Problem]:
    (folder / "plan.yml").write_text(text)
    with pytest.raises(PlanInvalid) as caught:
        resolve(load(folder / "plan.yml", **options), ENVIRON)
    return caught.value.problems


def test_a_good_plan_becomes_objects(folder: Path) -> None:
    (folder / "plan.yml").write_text(GOOD)
    plan = resolve(load(folder / "plan.yml"), ENVIRON)
    assert plan.endpoint.name == "churn-endpoint-01"
    assert plan.endpoint.public_network_access == "disabled"
    assert plan.deployment.model.path == folder / "model"
    assert plan.traffic == {"blue": 100}
    assert plan.deployment.environment.name == "churn-model-adb-env"


def test_all_problems_come_at_once_with_their_lines(folder: Path) -> None:
    text = (
        GOOD.replace("churn-endpoint-01", "fraud_score")
        .replace("instance_count: 1", "instance_count: 99")
        .replace("path: model", "path: no-such-folder")
        .replace("instance_type: Standard_DS3_v2", "instance_typ: Standard_DS3_v2")
    )
    found = {problem.key: problem for problem in problems_of(folder, text)}
    assert "try fraud-score" in found["endpoint.name"].message
    assert found["endpoint.name"].line == 3
    assert found["endpoint.name"].file == str(folder / "plan.yml")
    assert "1 to 50" in found["deployment.instance_count"].message
    assert found["deployment.instance_count"].line == 10
    assert "no-such-folder" in found["deployment.model.path"].message
    assert "Did you mean deployment.instance_type?" in found["deployment.instance_typ"].remedy


@pytest.mark.parametrize(
    ("change", "key", "said"),
    [
        (("name: churn-endpoint-01", "name: 1st"), "endpoint.name", "start with a letter"),
        (("name: churn-endpoint-01", "name: ab"), "endpoint.name", "3 to 32"),
        (("name: churn-endpoint-01", "name: a--b"), "endpoint.name", "try a-b"),
        (("name: churn-endpoint-01", "name: [a, b]"), "endpoint.name", "name"),
        ((GUID, "not-a-guid"), "workspace.subscription_id", "32 hexadecimal digits"),
        (("name: ws-churn", "name: ws!"), "workspace.name", "3 to 33"),
        (("instance_count: 1", "instance_count: many"), "deployment.instance_count", "whole number"),
        (("instance_count: 1", "instance_count: true"), "deployment.instance_count", "whole number"),
        (("scoring_script: score.py", "scoring_script: other.py"), "deployment.code_configuration.scoring_script",
         "is not in"),
        (("deployment:\n", "traffic: {blue: 90}\ndeployment:\n"), "traffic", "add up to 90"),
        (("deployment:\n", "mirror_traffic: {blue: 10}\ndeployment:\n"), "mirror_traffic", "cannot be mirrored"),
        (("endpoint:\n", "credential: {method: service_principal, client_secret: s3cret}\nendpoint:\n"),
         "credential.client_secret", "reference"),
        (("path: model", 'path: "${env:NOT_THERE}"'), "deployment.model.path", "NOT_THERE is not set"),
        (("path: model", "path: ${env:NOT_THERE}"), "", "Quote references"),
        (("path: model", "path: s3://c@a.dfs.core.windows.net/m"), "deployment.model.path", "s3:"),
    ],
)  # fmt: skip
def test_one_wrong_value_is_named(folder: Path, change: tuple[str, str], key: str, said: str) -> None:
    found = {problem.key: problem for problem in problems_of(folder, GOOD.replace(*change))}
    assert key in found
    assert said in f"{found[key].message} {found[key].remedy}"
    assert "s3cret" not in str(found[key])


def test_yaml_that_does_not_parse_says_the_line(folder: Path) -> None:
    (found,) = problems_of(folder, "endpoint:\n  name: [a\ndeployment: {}\n")
    assert found.line == 3
    assert "not valid YAML" in found.message


@pytest.mark.parametrize("text", ["endpoint: [", "a: {b", "\t- x", "endpoint: 'open", "\x00"])
def test_unfinished_yaml_is_a_problem_and_no_crash(folder: Path, text: str) -> None:
    (found,) = problems_of(folder, text)
    assert "not valid YAML" in found.message


def test_a_repeated_key_is_reported(folder: Path) -> None:
    found = problems_of(folder, GOOD + "endpoint:\n  name: churn-endpoint-02\n")
    assert any(problem.key == "endpoint" and "duplicate" in problem.message for problem in found)


def test_a_file_that_is_no_map(folder: Path) -> None:
    (found,) = problems_of(folder, "- a\n- b\n")
    assert "map" in found.message


def test_an_unknown_plan_names_the_presets() -> None:
    with pytest.raises(PlanInvalid) as caught:
        load("no-such-plan")
    assert "churn-xgboost" in str(caught.value)


def test_set_and_overlay_change_the_plan_and_its_provenance(folder: Path) -> None:
    (folder / "plan.yml").write_text(GOOD)
    (folder / "plan.prod.yml").write_text("deployment: {instance_count: 3}\nendpoint: {tags: {stage: prod}}\n")
    document = load(folder / "plan.yml", [folder / "plan.prod.yml"], ["endpoint.name=churn-prod", "endpoint.tags.a=1"])
    plan = resolve(document, ENVIRON)
    assert plan.deployment.instance_count == 3
    assert plan.endpoint.name == "churn-prod"
    assert plan.endpoint.tags == {"stage": "prod", "a": "1"}
    assert document.source("deployment.instance_count") == "plan.prod.yml, line 1"
    assert document.source("endpoint.name") == "--set"
    assert document.source("deployment.instance_type") == "plan.yml, line 9"
    assert document.source("endpoint.auth_mode") == "default"


def test_a_wrong_value_of_set_is_not_blamed_on_the_file(folder: Path) -> None:
    (found,) = problems_of(folder, GOOD, sets=["deployment.instance_count=0"])
    assert (found.file, found.line) == ("--set", None)


def test_set_of_a_key_that_is_not_there(folder: Path) -> None:
    (folder / "plan.yml").write_text(GOOD)
    with pytest.raises(PlanInvalid, match=r"endpoint\.name"):
        load(folder / "plan.yml", sets=["endpoint.nam=x"])


def test_references_are_kept_on_save_and_paths_follow(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = GOOD.replace(GUID, '"${env:AZURE_SUBSCRIPTION_ID}"')
    (folder / "plan.yml").write_text(text)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy.yml"
    document = load(folder / "plan.yml")
    assert document.source("workspace.subscription_id") == "plan.yml, line 1, from $AZURE_SUBSCRIPTION_ID"
    document.set("endpoint.name", "other-name", "you")
    document.save(elsewhere)
    assert "${env:AZURE_SUBSCRIPTION_ID}" in elsewhere.read_text()
    again = resolve(load(elsewhere), ENVIRON)
    assert again.deployment.model.path == folder / "model"
    assert again.endpoint.name == "other-name"
    assert again.workspace.subscription_id == GUID


def test_registered_assets_are_written_as_az_ml_writes_them(folder: Path) -> None:
    text = GOOD.replace("{name: churn-model-adb, path: model}", "azureml:churn-model-adb:3").replace(
        '{conda_file: conda.yml, image: "mcr.microsoft.com/azureml/x:1"}', "azureml:churn-env@latest"
    )
    (folder / "plan.yml").write_text(text)
    document = load(folder / "plan.yml")
    plan = resolve(document, ENVIRON)
    assert plan.deployment.model.registered == "azureml:churn-model-adb:3"
    assert plan.deployment.environment.registered == "azureml:churn-env@latest"
    assert "model: azureml:churn-model-adb:3" in document.as_yaml()
    assert "environment: azureml:churn-env@latest" in document.as_yaml()


def test_the_preset_is_in_order() -> None:
    plan = resolve(load("churn-xgboost"), ENVIRON)
    assert plan.test.request is not None and plan.test.request.is_file()
    assert plan.deployment.egress_public_network_access == "disabled"


def test_lenient_fills_what_it_can(folder: Path) -> None:
    (folder / "plan.yml").write_text(GOOD.replace("churn-endpoint-01", "a_b"))
    plan = resolve(load(folder / "plan.yml"), {}, lenient=True)
    assert plan.endpoint.name == ""
    assert plan.workspace.name == "ws-churn"


HUGE, HEX = "9" * 5000, "0x" + "f" * 5000


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("instance_count: 1", f"instance_count: {HUGE}"),
        ("instance_count: 1", f"instance_count: {HEX}"),
        ("name: blue", "name: 2020-99-99"),
        ("path: model", "path: ~nobody-here/model"),
        ("path: model", r'path: "a\0b"'),
        ("path: model", r'path: "\ud800"'),
        ("code: code", "code: ~nobody-here"),
        ("instance_type: Standard_DS3_v2", f"instance_type: {{a: [{HUGE}]}}"),
        ("name: churn-endpoint-01", r'tags: {a: "\ud800"}'),
        ("name: churn-endpoint-01", r'tags: {"\0": b}'),
        ("name: churn-endpoint-01", "description: !!timestamp 1"),
        ("name: churn-endpoint-01", "tags: &a {b: *a}"),
        ("name: churn-endpoint-01", "tags: " + "{a: " * 60 + "1" + "}" * 60),
        ("name: churn-endpoint-01", "tags: " + "[" * 100_000),
    ],
)
def test_values_that_python_itself_refuses_are_problems_of_the_plan(old: str, new: str, folder: Path) -> None:
    found = problems_of(folder, GOOD.replace(old, new, 1))
    assert found and all(len(str(problem)) < 6000 for problem in found)


@pytest.mark.parametrize("text", ["2020-99-99", "0x" + "f" * 5000, "!!timestamp 1", "&a [*a]", "[" * 500, r'"\ud800"'])
def test_such_values_in_set_are_no_faults_either(text: str, folder: Path) -> None:
    (folder / "plan.yml").write_text(GOOD)
    for key in ("endpoint.description", "deployment.instance_count", "endpoint.tags"):
        try:
            resolve(load(folder / "plan.yml", sets=[f"{key}={text}"]), ENVIRON)
        except PlanInvalid as invalid:
            assert invalid.problems


def test_a_variable_that_is_not_utf_8_is_a_problem_and_no_fault(folder: Path) -> None:
    text = GOOD.replace("name: ws-churn", 'name: "${env:AZURE_ML_WORKSPACE}"')
    (folder / "plan.yml").write_text(text)
    with pytest.raises(PlanInvalid, match="cannot be stored"):
        resolve(load(folder / "plan.yml"), {**ENVIRON, "AZURE_ML_WORKSPACE": "ws\udc80"})
