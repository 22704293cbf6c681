"""The files for `az ml`: what is in each, what the script sets, and when there is a file for the split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import made, text_of

GREEN = [{"name": "blue"}, {"name": "green", "instance_count": 3}]


def tree(base: Path, name: str = "deployment.yml", **values: Any) -> dict[str, Any]:
    read = yaml.safe_load(text_of(made("az-yaml", base, **values), name))
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize(
    ("values", "files"),
    [
        ({}, ["endpoint.yml", "deployment.yml", "deploy.sh"]),
        ({"traffic": {"blue": 100}}, ["endpoint.yml", "deployment.yml", "deploy.sh"]),
        ({"traffic": {"blue": 90, "old": 10}}, ["endpoint.yml", "deployment.yml", "traffic.yml", "deploy.sh"]),
        ({"mirror_traffic": {"green": 5}}, ["endpoint.yml", "deployment.yml", "traffic.yml", "deploy.sh"]),
        (
            {"traffic": {"blue": 90, "old": 10}, "rollout": {"pause": 5}},
            ["endpoint.yml", "deployment.yml", "deploy.sh"],
        ),
        ({"deployments": GREEN}, ["endpoint.yml", "deployment-blue.yml", "deployment-green.yml", "deploy.sh"]),
    ],
)
def test_which_files_there_are(tmp_path: Path, values: dict[str, Any], files: list[str]) -> None:
    exported = made("az-yaml", tmp_path, **values)
    assert [item.path for item in exported.files] == files
    assert [item.path for item in exported.files if item.program] == ["deploy.sh"]
    assert [note.partition(":")[0] for note in exported.notes] == (["rollout"] if "rollout" in values else [])


def test_endpoint_and_deployment_have_what_the_plan_says(tmp_path: Path) -> None:
    assert "größer" in text_of(made("az-yaml", tmp_path, endpoint__description="größer"), "endpoint.yml")
    endpoint = tree(tmp_path, "endpoint.yml", endpoint__tags={"a": "b"})
    assert (endpoint["name"], endpoint["auth_mode"], endpoint["tags"]) == ("churn", "key", {"a": "b"})
    assert "managedOnlineEndpoint" in endpoint["$schema"] and "traffic" not in endpoint
    deployment = tree(tmp_path, deployment__code_configuration__code="code")
    assert "managedOnlineDeployment" in deployment["$schema"]
    assert (deployment["endpoint_name"], deployment["instance_count"]) == ("churn", 2)
    assert deployment["model"] == {"name": "m", "path": "../model", "type": "custom_model"}
    assert deployment["code_configuration"] == {"code": "../code", "scoring_script": "score.py"}
    assert tree(tmp_path, "deployment-green.yml", deployments=GREEN)["instance_count"] == 3


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({"image": "i"}, {"image": "i"}),
        ({"registered": "azureml:e:1"}, "azureml:e:1"),
        ({"name": "e", "image": "i", "conda_file": "c.yml"}, {"name": "e", "image": "i", "conda_file": "../c.yml"}),
        ({"build": {"path": "docker"}}, {"build": {"path": "../docker"}}),
        ({"build": {"path": "https://g/x", "dockerfile_path": "D"}},
         {"build": {"path": "https://g/x", "dockerfile_path": "D"}}),
        (None, None),
    ],
)  # fmt: skip
def test_the_environment_of_a_deployment(tmp_path: Path, environment: Any, written: Any) -> None:
    assert tree(tmp_path, deployment__environment=environment).get("environment") == written


def test_the_split_has_its_own_file(tmp_path: Path) -> None:
    values = {"traffic": {"blue": 90, "old": 10}}
    split = tree(tmp_path, "traffic.yml", **values)
    assert split["traffic"] == values["traffic"] and split["name"] == "churn" and "mirror_traffic" not in split
    split = tree(tmp_path, "traffic.yml", mirror_traffic={"green": 5})
    assert (split["traffic"], split["mirror_traffic"]) == ({"blue": 100}, {"green": 5})


def script(base: Path, **values: Any) -> str:
    return text_of(made("az-yaml", base, **values), "deploy.sh")


def test_references_are_placeholders_that_the_script_sets(tmp_path: Path) -> None:
    values = {"endpoint__auth_mode": "${env:MODE}", "endpoint__name": "${env:NAME}", "deployment__name": "${env:D}",
              "endpoint__tags": {"a": "x-${env:TAG}"}, "deployment__instance_type": "${env:SIZE}"}  # fmt: skip
    endpoint = tree(tmp_path, "endpoint.yml", **values)
    assert (endpoint["auth_mode"], endpoint["name"]) == ("key", "replaced-by-the-script")
    assert endpoint["tags"] == {"a": "replaced-by-the-script"}
    deployment = tree(tmp_path, **values)
    assert (deployment["name"], deployment["instance_type"]) == ("blue", "Standard_D4as_v4")
    text = script(tmp_path, **values)
    sets = [part.split("=")[0] for part in text.split("--set ")[1:]]
    assert sets == ["auth_mode", "tags.a", "instance_type"], "names are given as options"
    for name in ("MODE", "NAME", "D", "TAG", "SIZE"):
        assert f': "${{{name}:?' in text
    assert ":?" not in script(tmp_path)


@pytest.mark.parametrize(
    ("values", "there", "missing"),
    [
        ({}, ["--traffic blue=100", "ENDPOINT=churn", "--file deployment.yml"], ["traffic.yml", "invoke", "NEW="]),
        ({"test__request": "r.json"}, ["invoke", "--request-file ../r.json"], ["--deployment-name"]),
        ({"traffic": {"blue": 90, "old": 10}}, ["--file traffic.yml"], ["--traffic"]),
        ({"rollout__pause": 5}, ["NEW=blue", "(10, 50, 100 per cent)", "OLD=90 $NEW=10"], ["--traffic blue=100"]),
        ({"rollout__steps": "20, 100", "test__request": "r.json"},
         ["(20, 100 per cent)", "OLD=80 $NEW=20", "--deployment-name blue "], []),
        ({"deployments": GREEN}, ["--file deployment-blue.yml", "--file deployment-green.yml", "--traffic green=100"],
         ["--file deployment.yml"]),
        ({"workspace__name": "${databricks:s/k}"}, ['WORKSPACE="${S_K}"', ': "${S_K:?'], []),
    ],
)  # fmt: skip
def test_what_the_script_does(tmp_path: Path, values: Any, there: list[str], missing: list[str]) -> None:
    text = script(tmp_path, **values)
    assert [part for part in there if part not in text] == []
    assert [part for part in missing if part in text] == []
