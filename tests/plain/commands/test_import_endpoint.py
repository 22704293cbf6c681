"""`aml-deploy import ENDPOINT`: the plan of an endpoint that is there describes it, whoever made it."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, aml_deploy, json_lines

from tui.plan.load_save.load import load
from tui.plan.presets import find

SECRET = "Zm9vYmFyYmF6cXV4Zm9v0Aa1"
MADE_BY_THE_SDK = """
import json, os, sys
from azure.ai.ml import MLClient
from azure.ai.ml.entities import (
    CodeConfiguration, DataCollector, DeploymentCollection, Environment, ManagedOnlineDeployment,
    ManagedOnlineEndpoint, Model, OnlineRequestSettings, ProbeSettings,
)
from azure.identity import DefaultAzureCredential

name, folder, secret = sys.argv[1:]
credential = DefaultAzureCredential()
place = [os.environ[key] for key in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")]
client = MLClient(credential, *place)
tags = {"team": "churn", "api_key": secret, "aml-deploy": "0"}
endpoint = ManagedOnlineEndpoint(name=name, auth_mode="aml_token", public_network_access="disabled", tags=tags)
client.online_endpoints.begin_create_or_update(endpoint).result()
for color, options in (
    ("blue", {"liveness_probe": ProbeSettings(initial_delay=20), "app_insights_enabled": True,
              "data_collector": DataCollector(
                  {"model_inputs": DeploymentCollection(enabled="True")}, rolling_rate="day", sampling_rate=0.5)}),
    ("green", {"request_settings": OnlineRequestSettings(request_timeout_ms=9000), "description": "next",
               "environment_variables": {"STORE_KEY": secret, "OTHER-KEY": secret, "WORKER_COUNT": "1",
                                         "FROM_AZURE": "${{azureml://connections/store/credentials/key}}"}}),
):
    client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
        name=color, endpoint_name=name, model=Model(name=f"{name}-model", path=f"{folder}/model"),
        code_configuration=CodeConfiguration(code=f"{folder}/onlinescoring", scoring_script="score.py"),
        environment=Environment(
            name=f"{name}-env", conda_file=f"{folder}/conda.yml", image="mcr.microsoft.com/azureml/minimal"),
        instance_type="Standard_DS3_v2", instance_count=1, **options)).result()
endpoint.traffic, endpoint.mirror_traffic = {"blue": 100}, {"green": 20}
client.online_endpoints.begin_create_or_update(endpoint).result()
"""
AUTOSCALE = """
import os, sys
import requests
from azure.identity import DefaultAzureCredential

origin, name = sys.argv[1:]
group = f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{os.environ['AZURE_RESOURCE_GROUP']}"
workspace = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{os.environ['AZURE_ML_WORKSPACE']}"
rule = {
    "metricTrigger": {
        "metricName": "CpuUtilizationPercentage",
        "metricResourceUri": f"{workspace}/onlineEndpoints/{name}/deployments/green",
        "timeGrain": "PT1M", "statistic": "Average", "timeWindow": "PT5M", "timeAggregation": "Last",
        "operator": "GreaterThan", "threshold": 70, "dividePerInstance": False},
    "scaleAction": {"direction": "Increase", "type": "ChangeCount", "value": "1", "cooldown": "PT1H"}}
profile = {"name": "p", "rules": [rule], "capacity": {"minimum": "1", "maximum": "3", "default": "1"}}
mail = [{"operation": "Scale", "email": {"customEmails": ["ml@contoso.com"]}}]
for color, enabled in (("blue", False), ("green", True)):
    answer = requests.put(
        f"{origin}{group}/providers/Microsoft.Insights/autoscaleSettings/{name}-{color}?api-version=2022-10-01",
        json={"location": "eastus", "properties": {
            "profiles": [profile], "enabled": enabled, "notifications": mail,
            "targetResourceUri": f"{workspace}/onlineEndpoints/{name}/deployments/{color}"}},
        headers={"Authorization": "Bearer " + DefaultAzureCredential().get_token(f"{origin}/.default").token})
    assert answer.ok, answer.text
"""


@pytest.fixture(scope="module")
def by_the_sdk(rehearsal: dict[str, Any], rehearsal_env: dict[str, str], rehearsing: dict[str, str]) -> Iterator[str]:
    """The name of an endpoint with two deployments that the SDK made, and their autoscale settings."""
    name, preset = f"sdk-{uuid.uuid4().hex[:8]}", find(PRESET)
    assert preset is not None
    sdk(MADE_BY_THE_SDK, name, preset.path.with_name(PRESET), SECRET, environ=rehearsal_env)
    granted = aml_deploy("rehearsal", "--role", "contributor", environ=rehearsing)
    assert granted.returncode == 0, granted.stderr
    sdk(AUTOSCALE, rehearsal["url"], name, environ=rehearsal_env)
    aml_deploy("rehearsal", "--reset-rights", environ=rehearsing)
    yield name


def sdk(code: str, *arguments: object, environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def applied(plan: Path, environ: dict[str, str]) -> dict[str, str]:
    """What became of each task of a run of the plan."""
    done = aml_deploy("apply", plan, "--rehearse", "--yes", "--json", environ=environ, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return {event["task"]: event["status"] for event in json_lines(done.stdout) if event["event"] == "task_finished"}


def test_the_plan_of_what_this_program_deployed_changes_nothing(rehearsing: dict[str, str], tmp_path: Path) -> None:
    name = f"own-{uuid.uuid4().hex[:8]}"
    own = ("--set", f"endpoint.name={name}", "--set", "endpoint.tags.team=risk")
    first = aml_deploy("apply", PRESET, *own, "--rehearse", "--yes", "--json", environ=rehearsing, timeout=300)
    assert first.returncode == 0, first.stderr
    plan = tmp_path / "sub" / "plan.yml"
    done = aml_deploy("import", name, "-o", plan, environ=rehearsing)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{plan}\n"
    assert f"{name}/blue, code_configuration.code: " in done.stderr
    tree = load(plan).tree
    assert tree["endpoint"]["tags"] == {"model": "XGBoost", "team": "risk"}, "a run sets its marks itself"
    assert tree["deployment"]["egress_public_network_access"] == "disabled"
    assert tree["workspace"]["name"] == "${env:AZURE_ML_WORKSPACE}", "as the plan of the run has it"
    assert "credential" not in tree, "the rehearsal's own identity is not written"
    checked = aml_deploy("check", plan, "--rehearse", environ=rehearsing)
    assert checked.returncode == 0, checked.stdout
    statuses = applied(plan, rehearsing)
    assert {task for task, status in statuses.items() if status != "skipped"} <= {"sign-in", "workspace"}, statuses

    url = json_lines(first.stdout)[-1]["scoring_uri"]
    again = aml_deploy("import", url, "-o", tmp_path / "sub" / "by-url.yml", environ=rehearsing)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "sub" / "by-url.yml").read_text() == plan.read_text(), "the same code is not copied again"
    refused = aml_deploy("import", name, "-o", plan, environ=rehearsing)
    assert (refused.returncode, "already exists" in refused.stderr) == (2, True)


def test_the_plan_of_an_endpoint_made_by_the_sdk(
    by_the_sdk: str, rehearsal: dict[str, Any], rehearsing: dict[str, str], tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yml"
    done = aml_deploy("import", by_the_sdk, "--rehearse", "--json", "-o", plan, environ=rehearsing)
    assert done.returncode == 0, done.stderr
    (told,) = json_lines(done.stdout)
    tree = load(plan).tree
    assert tree["endpoint"] == {
        "name": by_the_sdk, "auth_mode": "aml_token", "public_network_access": "disabled",
        "tags": {"team": "churn"}, "identity": {"type": "system_assigned"},
    }  # fmt: skip
    assert (tree["traffic"], tree["mirror_traffic"]) == ({"blue": 100}, {"green": 20})
    blue, green = tree["deployments"]
    assert (blue["name"], green["name"]) == ("blue", "green")
    assert blue["model"] == {"path": f"azureml:{by_the_sdk}-model:1"}
    assert blue["environment"] == {"registered": f"azureml:{by_the_sdk}-env:1"}
    assert (blue["liveness_probe"], blue["app_insights_enabled"]) == ({"initial_delay": 20}, True)
    assert blue["data_collector"]["sampling_rate"] == 0.5
    assert blue["data_collector"]["collections"]["model_inputs"]["enabled"] == "True"
    assert (green["request_settings"], green["description"]) == ({"request_timeout_ms": 9000}, "next")
    assert green["environment_variables"] == {
        "STORE_KEY": "${env:STORE_KEY}", "OTHER-KEY": "${env:OTHER_KEY}", "WORKER_COUNT": "1"
    }  # fmt: skip
    assert "egress_public_network_access" not in green, "it does not apply in a managed virtual network"
    preset = find(PRESET)
    assert preset is not None
    script = tmp_path / blue["code_configuration"]["code"] / "score.py"
    assert script.read_bytes() == (preset.path.with_name(PRESET) / "onlinescoring" / "score.py").read_bytes()

    assert green["autoscale"] == {"minimum": 1, "maximum": 3, "rules": [
        {"condition": "CpuUtilizationPercentage > 70 last 5m", "scale": "out 1", "cooldown": 60}]}  # fmt: skip
    assert "autoscale" not in blue
    said = {one["file"]: one["message"] for one in told["left_out"] if one["key"] == "autoscale"}
    assert "is in no plan: it is switched off" in said[f"{by_the_sdk}/blue"]
    assert "is in the plan without: its notifications" in said[f"{by_the_sdk}/green"]

    named = {(one["file"], one["key"]) for one in told["left_out"]}
    assert {
        (by_the_sdk, "tags.api_key"), (f"{by_the_sdk}/green", "environment_variables.STORE_KEY"),
        (f"{by_the_sdk}/green", "environment_variables.FROM_AZURE"), (f"{by_the_sdk}/green", "autoscale"),
        (f"{by_the_sdk}/blue", "code_configuration.code"), (by_the_sdk, "test.request"),
    } <= named  # fmt: skip
    for text in (done.stdout, done.stderr, *(file.read_text() for file in tmp_path.rglob("*") if file.is_file())):
        assert SECRET not in text
    for file, key in named:
        assert f"{file}, {key}: " in done.stderr

    checked = aml_deploy("check", plan, "--rehearse", environ=rehearsing)
    assert (checked.returncode, "STORE_KEY" in checked.stderr) == (2, True)
    with_key = {**rehearsing, "STORE_KEY": SECRET, "OTHER_KEY": SECRET}
    checked = aml_deploy("check", plan, "--rehearse", "--json", environ=with_key)
    assert checked.returncode == 0, checked.stdout
    statuses = applied(plan, with_key)
    assert {task for task, status in statuses.items() if status != "skipped"} <= {"sign-in", "workspace"}, statuses


def test_code_that_cannot_be_copied_is_named_and_the_plan_written(
    by_the_sdk: str, rehearsing: dict[str, str], tmp_path: Path
) -> None:
    denied = aml_deploy("rehearsal", "--storage-role", "none", "--role", "reader", environ=rehearsing)
    assert denied.returncode == 0, denied.stderr
    try:
        done = aml_deploy("import", by_the_sdk, "--rehearse", "-o", tmp_path / "plan.yml", environ=rehearsing)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=rehearsing)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if ", code_configuration.code: " in line]
    assert [line.partition(",")[0] for line in lines] == [f"{by_the_sdk}/blue", f"{by_the_sdk}/green"], "both share it"
    assert all("could not be copied" in line and "Storage Blob Data Reader" in line for line in lines)
    assert load(tmp_path / "plan.yml").tree["deployments"][0]["code_configuration"]["scoring_script"] == "score.py"
    assert [path.name for path in tmp_path.iterdir()] == ["plan.yml"], "nothing is left of an attempt"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["no-such-endpoint", "--rehearse"], 1, "The endpoint no-such-endpoint does not exist"),
        (["no-such-endpoint"], 2, "--subscription, --resource-group and --workspace"),
        (["not_a_name", "--rehearse"], 2, "An underscore is not allowed"),
        (["endpoint.yml", "--rehearse"], 2, "--rehearse does not apply to the import of files"),
        (["churn-endpoint-01", "--set", "instance_count=2"], 2, "--set does not apply to the import of an endpoint"),
    ],
)
def test_what_cannot_be_imported(
    arguments: list[str], code: int, said: str, rehearsing: dict[str, str], tmp_path: Path
) -> None:
    done = aml_deploy("import", *arguments, "-o", tmp_path / "plan.yml", environ=rehearsing, cwd=tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not list(tmp_path.iterdir())


def test_a_file_with_the_name_of_an_endpoint_is_a_file(rehearsing: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "churn").write_text("name: blue\nendpoint_name: churn-01\nmodel: azureml:churn:3\n"
                                    "instance_type: Standard_DS3_v2\ninstance_count: 1\n")  # fmt: skip
    (tmp_path / "churn-02").mkdir()
    folder = aml_deploy("import", "churn-02", environ=rehearsing, cwd=tmp_path)
    assert (folder.returncode, "--subscription, --resource-group" in folder.stderr) == (2, True), "and a folder is none"
    done = aml_deploy("import", "churn", "--json", environ=rehearsing, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"plan": "plan.yml", "files": [], "left_out": []}
