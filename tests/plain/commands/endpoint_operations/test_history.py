"""`aml-deploy history` and `aml-deploy rollback --to`: the plan is kept with what it made, for every machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import COMMAND, PRESET, aml_deploy, json_lines

from tests.engine.azure_state import Azure
from tui.engine.journal import runs
from tui.plan.load_save.load import load
from tui.plan.presets import find

RUN_SECONDS = 300
LITERAL = "Zm9vYmFyYmF6cXV4Zm9v0Aa1"
REFERRED = "a-secret-of-the-shell-0001"


@pytest.fixture
def name() -> str:
    """An endpoint's name that no other test uses."""
    return f"kept-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def azure(rehearsal_env: dict[str, str]) -> Azure:
    return Azure({**rehearsal_env, "AZURE_ML_WORKSPACE": "open-public-network"})


@pytest.fixture
def here(rehearsal_env: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """A machine with a state folder of its own, to which the rehearsal's service is any Azure."""
    yield machine(rehearsal_env, tmp_path / "here")


@pytest.fixture
def there(rehearsal_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Another machine, with no run and no plan."""
    return machine(rehearsal_env, tmp_path / "there")


def machine(environ: dict[str, str], home: Path) -> dict[str, str]:
    return {
        **environ,
        "AML_DEPLOY_HOME": str(home),
        "AZURE_ML_WORKSPACE": "open-public-network",
        "STORE_PASSWORD": REFERRED,
    }


def place(environ: dict[str, str]) -> list[str]:
    names = {"--subscription": "SUBSCRIPTION_ID", "--resource-group": "RESOURCE_GROUP", "--workspace": "ML_WORKSPACE"}
    return [text for option, variable in names.items() for text in (option, environ[f"AZURE_{variable}"])]


def plan_in(folder: Path, name: str, **changes: Any) -> Path:
    """A plan of the preset's model for an open workspace; the keys of `changes` are dotted, with `__`."""
    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET, dirs_exist_ok=True)
    tree = yaml.safe_load(preset.path.read_text(encoding="utf-8"))
    tree["endpoint"] = {"name": name}
    del tree["deployment"]["egress_public_network_access"]
    for key, value in changes.items():
        node, *parts = tree, *key.split("__")
        for part in parts[:-1]:
            node = node.setdefault(part, {})
        node[parts[-1]] = value
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


def applied(plan: Path, environ: dict[str, str], *more: str) -> list[dict[str, Any]]:
    done = aml_deploy("apply", plan, "--yes", "--json", *more, environ=environ, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    return json_lines(done.stdout)


def rolled_back(name: str, run: str, environ: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ("rollback", name, "--to", run, *place(environ), "--yes", "--json", *more)
    return aml_deploy(*arguments, environ=environ, timeout=RUN_SECONDS)


def history(name: str, environ: dict[str, str]) -> list[dict[str, Any]]:
    done = aml_deploy("history", name, *place(environ), "--json", environ=environ)
    assert done.returncode == 0, done.stderr
    return json_lines(done.stdout)


def kept_runs(name: str, azure: Azure) -> list[str]:
    """The runs whose plans are kept, newest first, as Azure lists them."""
    return [one["name"] for one in azure.listed(f"data/aml-deploy-plan-{name}/versions", listViewType="All")]


def split(name: str, azure: Azure) -> dict[str, int]:
    found: dict[str, int] = azure.get(f"onlineEndpoints/{name}")["properties"]["traffic"]
    return found


def test_another_machine_deploys_a_version_again_when_all_is_deleted(
    name: str, azure: Azure, here: dict[str, str], there: dict[str, str], tmp_path: Path
) -> None:
    plan = plan_in(tmp_path, name, deployment__environment_variables={"STORE": "${env:STORE_PASSWORD}", "KEY": LITERAL})
    events = applied(plan, here)
    run = events[0]["run"]
    assert kept_runs(name, azure) == [run]
    (version,) = azure.listed(f"data/aml-deploy-plan-{name}/versions")
    tags = version["properties"]["tags"]
    assert (tags["aml-deploy-run"], tags["aml-deploy-deployment"]) == (run, "blue")
    assert tags["aml-deploy-plan"] == events[0]["plan_hash"]

    applied(plan, here)  # changes nothing
    assert kept_runs(name, azure) == [run]

    told = history(name, there)
    deployed = next(entry for entry in told if entry["action"] == "deploy")
    assert (deployed["run"], deployed["kept"], deployed["status"]) == (run, True, "Succeeded")
    assert deployed["plan_hash"] == events[0]["plan_hash"]
    assert deployed["by"] == events[0]["user"]
    assert len([entry for entry in told if entry["action"] == "deploy"]) == 1

    written = tmp_path / "written"
    done = aml_deploy(
        "history", name, *place(there), "--plan-of", run[:15], "-o", written / "p.yml", "--json", environ=there
    )
    assert done.returncode == 0, done.stderr
    text = "".join(file.read_text(encoding="utf-8") for file in written.rglob("*") if file.is_file())
    assert LITERAL not in text
    assert REFERRED not in text
    tree = load(str(written / "p.yml")).tree
    assert tree["deployment"]["environment_variables"] == {"STORE": "${env:STORE_PASSWORD}", "KEY": "${env:KEY}"}
    assert tree["deployment"]["model"]["path"].startswith("azureml:churn-model-adb:")

    removed = aml_deploy("remove", plan, "--yes", environ=here)
    assert removed.returncode == 0, removed.stderr
    assert f"1 kept plan, archived: data asset aml-deploy-plan-{name}" in removed.stdout
    assert azure.listed(f"data/aml-deploy-plan-{name}/versions", listViewType="ActiveOnly") == []

    missing = rolled_back(name, run, there)
    assert missing.returncode == 2
    assert "KEY is not set" in missing.stderr

    again = rolled_back(name, run, {**there, "KEY": LITERAL})
    assert again.returncode == 0, again.stderr
    made = json_lines(again.stdout)
    assert made[-1]["status"] == "succeeded"
    assert split(name, azure) == {"blue": 100}
    variables = azure.get(f"onlineEndpoints/{name}/deployments/blue")["properties"]["environmentVariables"]
    assert (variables["STORE"], variables["KEY"]) == (REFERRED, LITERAL)
    request = plan.with_name(PRESET) / "sample-request.json"
    answer = aml_deploy("invoke", name, *place(there), "--request", request, environ=there)
    assert answer.returncode == 0, answer.stderr
    assert kept_runs(name, azure) == [made[0]["run"], run]
    assert [entry["action"] for entry in history(name, there)].count("delete") == 1
    azure.remove(name)


def test_an_earlier_version_takes_over_beside_the_present_one(
    name: str, azure: Azure, here: dict[str, str], there: dict[str, str], tmp_path: Path
) -> None:
    first = applied(plan_in(tmp_path, name), here)[0]["run"]
    second = applied(plan_in(tmp_path, name, deployment__environment_variables={"GREETING": "hello"}), here)[0]["run"]
    assert kept_runs(name, azure) == [second, first]

    refused = rolled_back(name, first, there)
    assert refused.returncode == 2
    assert "--as blue-2" in refused.stderr
    assert refused.stdout == ""
    unknown = rolled_back(name, "19990101-000000-abcd", there)
    assert unknown.returncode == 2
    assert f"These are kept: {second}, {first}." in unknown.stderr
    several = rolled_back(name, "20", there)
    assert several.returncode == 2
    assert f"Several begin so: {second}, {first}." in several.stderr
    assert [*(Path(there["AML_DEPLOY_HOME"]) / "kept").iterdir()] == []

    done = rolled_back(name, first, there, "--as", "older")
    assert done.returncode == 0, done.stderr
    assert split(name, azure).get("older") == 100
    older = azure.get(f"onlineEndpoints/{name}/deployments/older")["properties"]
    assert "GREETING" not in older["environmentVariables"]
    assert [*(Path(there["AML_DEPLOY_HOME"]) / "kept").iterdir()] == []
    table = aml_deploy("history", name, *place(there), environ=there)
    assert first in table.stdout
    assert "Deployed older." in table.stdout

    model = older["model"].partition("/workspaces/open-public-network/")[2]
    azure.delete(model)
    before = len(runs_of(there))
    gone = rolled_back(name, first, there, "--as", "oldest")
    assert gone.returncode == 1
    assert "model churn-model-adb:" in gone.stderr
    assert len(runs_of(there)) == before
    azure.remove(name)


def runs_of(environ: dict[str, str]) -> list[dict[str, Any]]:
    return json_lines(aml_deploy("runs", "--json", environ=environ).stdout)


def differences(plan: Path, environ: dict[str, str]) -> list[dict[str, Any]]:
    done = aml_deploy("diff", plan, "--json", environ=environ)
    return [line for line in json_lines(done.stdout) if "by" in line]


def test_a_run_that_changes_only_the_endpoint_keeps_its_plan(
    name: str, azure: Azure, here: dict[str, str], there: dict[str, str], tmp_path: Path
) -> None:
    first = applied(plan_in(tmp_path, name, endpoint__tags={"API_TOKEN": "a-token"}), here)[0]["run"]
    plan = plan_in(tmp_path, name, endpoint__tags={"API_TOKEN": "a-token", "team": "pricing"})
    tagged = applied(plan, here)[0]["run"]
    assert kept_runs(name, azure) == [tagged, first]
    assert differences(plan, here) == []
    applied(plan, here)  # changes nothing
    assert len(kept_runs(name, azure)) == 2

    told = history(name, there)
    assert [one["run"] for one in told if one["action"] == "deploy"] == [first]
    assert tagged in {one["run"] for one in told if one["action"] == "endpoint"}
    written = tmp_path / "written" / "plan.yml"
    aml_deploy("history", name, *place(there), "--plan-of", first, "-o", written, environ=there)
    assert not load(str(written)).tree["endpoint"].get("tags")  # it looked like a secret

    again = rolled_back(name, tagged, there)
    assert again.returncode == 0, again.stderr
    assert kept_runs(name, azure) == [tagged, first]  # nothing was changed
    azure.remove(name)


def test_an_endpoint_that_never_was_has_no_history(name: str, here: dict[str, str]) -> None:
    done = aml_deploy("history", name, *place(here), "--json", environ=here)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"There is no endpoint {name} in the workspace open-public-network" in done.stderr
    done = rolled_back(name, "20260901", here)
    assert done.returncode == 2
    assert "None is kept for it" in done.stderr


def test_several_deployments_are_one_record(name: str, azure: Azure, here: dict[str, str], tmp_path: Path) -> None:
    plan = plan_in(tmp_path, name)
    tree = yaml.safe_load(plan.read_text(encoding="utf-8"))
    tree["deployments"] = [{"name": "blue"}, {"name": "green"}]
    del tree["deployment"]["name"]
    tree["traffic"] = {"blue": 90, "green": 10}
    plan.write_text(yaml.safe_dump(tree), encoding="utf-8")
    run = applied(plan, here)[0]["run"]
    assert kept_runs(name, azure) == [run]
    written = tmp_path / "two" / "plan.yml"
    done = aml_deploy("history", name, *place(here), "--plan-of", run, "-o", written, environ=here)
    assert done.returncode == 0, done.stderr
    kept = load(str(written)).tree
    assert [one["name"] for one in kept["deployments"]] == ["blue", "green"]
    assert kept["traffic"] == {"blue": 90, "green": 10}
    again = rolled_back(name, run, here)
    assert again.returncode == 0, again.stderr
    ended = [event for event in json_lines(again.stdout) if event["event"] == "task_finished"]
    assert {event["status"] for event in ended if event["task"].startswith("deployment:")} == {"skipped"}

    tree["traffic"] = {"blue": 50, "green": 50}
    plan.write_text(yaml.safe_dump(tree), encoding="utf-8")
    shifted = applied(plan, here)[0]["run"]
    assert kept_runs(name, azure) == [shifted, run]
    assert differences(plan, here) == []
    told = history(name, here)
    assert {one["run"] for one in told if one["action"] == "deploy"} == {run}
    assert shifted in {one["run"] for one in told if one["action"] == "endpoint"}
    assert rolled_back(name, run, here).returncode == 0
    assert split(name, azure) == {"blue": 90, "green": 10}
    azure.remove(name)


def test_a_run_that_was_killed_keeps_its_plan_when_it_is_resumed(
    name: str, azure: Azure, here: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, killed = plan_in(tmp_path, name), 0
    with subprocess.Popen(
        [*COMMAND, "apply", str(plan), "--yes", "--json"], env=here, stdout=subprocess.PIPE, text=True
    ) as command:
        assert command.stdout is not None
        monkeypatch.setenv("AML_DEPLOY_HOME", here["AML_DEPLOY_HOME"])
        for line in command.stdout:
            event = json.loads(line)
            if event["event"] == "task_operation" and event["task"] == "deployment":
                run = runs.find(event["run"])
                assert run is not None
                killed = runs.engine_pid(run.folder) or 0
                os.kill(killed, signal.SIGKILL)
    assert killed
    assert kept_runs(name, azure) == []
    resumed = aml_deploy("attach", "--json", environ=here, timeout=RUN_SECONDS)
    assert resumed.returncode == 0, resumed.stderr
    assert kept_runs(name, azure) == [json_lines(resumed.stdout)[0]["run"]]
    azure.remove(name)


def test_a_plan_that_cannot_be_kept_is_a_warning(
    name: str, azure: Azure, here: dict[str, str], rehearsing: dict[str, str], tmp_path: Path
) -> None:
    denied = "Microsoft.MachineLearningServices/workspaces/data/versions/write"
    assert aml_deploy("rehearsal", "--deny", denied, environ=rehearsing).returncode == 0
    try:
        events = applied(plan_in(tmp_path, name), here)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=rehearsing)
    said = "The plan was not kept in the workspace"
    assert events[-1]["status"] == "succeeded"
    assert events[-1]["message"].startswith(said)
    assert [event for event in events if event["event"] == "task_log" and event["line"].startswith(said)]
    assert kept_runs(name, azure) == []
    told = next(entry for entry in history(name, here) if entry["action"] == "deploy")
    assert (told["run"], told["kept"]) == (events[0]["run"], False)  # by the deployment's tags
    azure.remove(name)


def test_arguments_that_do_not_belong_together_are_refused(lonely: dict[str, str]) -> None:
    for arguments in (
        ("rollback", "churn", "--as", "green"),
        ("history", "churn", "--force"),
    ):
        done = aml_deploy(*arguments, environ=lonely)
        assert done.returncode == 2
        assert "add --" in done.stderr
    done = aml_deploy("rollback", "churn", "--to", "../x", "--workspace", "ws", "--yes", environ=lonely)
    assert done.returncode == 2
