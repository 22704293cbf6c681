"""Pipelines: valid by the published schemas, and what their steps really run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from exporting import exported, own_preset

from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.problems import PlanInvalid

GITHUB = ("github-actions", "vendor.github-workflows")
AZURE = ("azure-pipelines", "vendor.azure-pipelines")
ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-churn",
}
SECRET = ("instance_count: 1", "instance_count: 1\n  environment_variables: {TOKEN: '${env:API_TOKEN}'}")


def pipeline(folder: Path, to: str, *changes: tuple[str, str]) -> tuple[Path, dict[str, Any], str]:
    """The plan beside its repository's files, exported there; path, tree and text of the pipeline."""
    made = exported(own_preset(folder, *changes), to, folder)
    path = folder / made.files[0].path
    text = path.read_text()
    tree = yaml.load(text, Loader=yaml.BaseLoader)
    assert isinstance(tree, dict)
    return path, tree, text


PUBLIC = ("public_network_access: disabled    #", "public_network_access: enabled #")


@pytest.mark.parametrize(("to", "schema"), [GITHUB, AZURE])
def test_pipelines_are_valid_by_the_published_schema(tmp_path: Path, to: str, schema: str) -> None:
    paths = []
    for number, changes in enumerate(((), (SECRET,), (PUBLIC,))):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths.append(pipeline(folder, to, *changes)[0])
    # The Azure schema has patterns that are not valid in Unicode mode, so Python's regular expressions judge.
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--regex-variant", "python"]
    command += ["--data-transform", "azure-pipelines"] if to == "azure-pipelines" else []
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(paths[0].read_text().replace("steps:", "stepz:"))
    done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert subprocess.run([*command, str(wrong)], capture_output=True, timeout=60, check=False).returncode == 1


def scripts(to: str, tree: dict[str, Any]) -> dict[str, str]:
    """The commands of each job in order, without the installation."""
    if to == "github-actions":
        jobs = {name: job["steps"] for name, job in tree["jobs"].items()}
        return {
            f"{name}: {step['name']}": step["run"] for name, steps in jobs.items() for step in steps if "shell" in step
        }
    return {
        f"{stage['stage'].lower()}: {step['displayName']}": step["inputs"]["inlineScript"]
        for stage in tree["stages"]
        for step in stage["jobs"][0]["steps"]
        if step.get("task") == "AzureCLI@2"
    }


def carried_out(
    folder: Path, script: str, serving: str, broken: str = "nothing"
) -> tuple[int, list[str], dict[str, str]]:
    """A step run with stand-ins for aml-deploy and az: exit code, what aml-deploy was asked, the outputs."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    record, output = folder / "record", folder / "output"
    for path in (record, output):
        path.write_text("")
    shares = f'{{"{serving}": 100, "old": 0}}' if serving else "{}"
    (bin_folder / "az").write_text(f"#!/bin/sh\ncase \"$*\" in *'--query traffic'*) echo '{shares}' ;; esac\n")
    (bin_folder / "aml-deploy").write_text(
        f'#!/bin/sh\necho "$*" >> {record}\ncase "$*" in *{broken}*) exit 1 ;; esac\n'
    )
    (bin_folder / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in bin_folder.iterdir():
        program.chmod(0o755)
    environ = {
        **ENVIRON, "PATH": f"{bin_folder}:/usr/bin:/bin", "GITHUB_OUTPUT": str(output), "PLAN": "p.yml",
        "ENDPOINT": "churn-endpoint-01", "NEXT": "green" if serving == "blue" else "blue", "SERVING": serving,
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", script], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    for line in done.stdout.splitlines():
        if line.startswith("##vso[task.setvariable variable="):
            name, _, value = line.partition("variable=")[2].partition("]")
            outputs[name.partition(";")[0]] = value
    return done.returncode, record.read_text().splitlines(), outputs


@pytest.mark.parametrize(("to", "schema"), [GITHUB, AZURE])
def test_blue_and_green_take_turns(tmp_path: Path, to: str, schema: str) -> None:
    _, tree, _ = pipeline(tmp_path, to)
    choose = scripts(to, tree)["deploy: Choose the name of the new deployment"]
    for serving, following in (("", "blue"), ("blue", "green"), ("green", "blue")):
        code, _, outputs = carried_out(tmp_path, choose, serving)
        assert code == 0
        assert outputs == {"next": following, "serving": serving}


@pytest.mark.parametrize(("to", "schema"), [GITHUB, AZURE])
def test_the_steps_deploy_beside_what_serves_shift_and_go_back(tmp_path: Path, to: str, schema: str) -> None:
    _, tree, _ = pipeline(tmp_path, to)
    steps = scripts(to, tree)
    if to == "azure-pipelines":
        deploy = steps["deploy: Deploy without traffic"]
        steps["deploy: Deploy without traffic"] = deploy.replace("$(names.next)", "green").replace(
            "$(names.serving)", "blue"
        )
    asked = {name: carried_out(tmp_path, script, "blue")[1] for name, script in steps.items()}
    assert asked["check: Check what would make the deployment fail"] == ["check p.yml"]
    (apply,) = asked["deploy: Deploy without traffic"]
    sets = [
        item for item in ("deployment.name=green", "traffic={blue: 100}", "test.request=") if f"--set {item}" in apply
    ]
    assert len(sets) == 3
    exported_plan = next(path for path in tmp_path.glob("*.plan.yml"))
    plan = resolve(load(exported_plan, (), sets), ENVIRON)
    assert (plan.deployment.name, plan.traffic, plan.test.request) == ("green", {"blue": 100}, None)
    assert plan.credential.method == "azure_cli"
    assert asked["test: Test before callers reach it"][0].endswith("--deployment green --json")
    shift = asked["shift: Shift 10 %, then all traffic"]
    assert [line for line in shift if line.startswith("traffic")] == [
        "traffic churn-endpoint-01 blue=90 green=10 --plan p.yml --json",
        "traffic churn-endpoint-01 green=100 --plan p.yml --json",
    ]
    back = next(found for name, found in asked.items() if name.endswith("Roll back"))
    assert back == ["traffic churn-endpoint-01 blue=100 --plan p.yml --json"]


@pytest.mark.parametrize(("to", "schema"), [GITHUB, AZURE])
def test_a_failed_call_ends_the_shift_before_all_requests_move(tmp_path: Path, to: str, schema: str) -> None:
    _, tree, _ = pipeline(tmp_path, to)
    code, asked, _ = carried_out(tmp_path, scripts(to, tree)["shift: Shift 10 %, then all traffic"], "blue", "invoke")
    assert code != 0
    assert not any("green=100" in line for line in asked)


def test_going_back_is_for_failures_of_the_shift_only(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    _, github, _ = pipeline(tmp_path / "a", "github-actions")
    step = next(item for item in github["jobs"]["shift"]["steps"] if item.get("name") == "Roll back")
    assert step["if"] == "failure() || cancelled()"
    assert github["permissions"] == {"contents": "read", "id-token": "write"}
    _, azure, _ = pipeline(tmp_path / "b", "azure-pipelines")
    stage = next(item for item in azure["stages"] if item["stage"] == "RollBack")
    assert stage["condition"] == "in(dependencies.Shift.result, 'Failed', 'Canceled')"
    assert set(stage["dependsOn"]) == {"Deploy", "Shift"}


def test_secrets_and_variables_become_the_targets_own(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
    _, github, _ = pipeline(tmp_path / "a", "github-actions", SECRET)
    assert github["env"]["API_TOKEN"] == "${{ secrets.API_TOKEN }}"
    assert github["env"]["AZURE_RESOURCE_GROUP"] == "${{ vars.AZURE_RESOURCE_GROUP }}"
    _, azure, _ = pipeline(tmp_path / "b", "azure-pipelines", SECRET)
    step = azure["stages"][0]["jobs"][0]["steps"][-1]
    assert step["env"] == {"API_TOKEN": "$(API_TOKEN)"}


def test_what_the_repository_must_hold_is_watched(tmp_path: Path) -> None:
    _, tree, _ = pipeline(tmp_path, "github-actions")
    assert tree["on"]["push"]["paths"] == [
        "churn-endpoint-01.plan.yml",
        "churn-xgboost/model/**",
        "churn-xgboost/onlinescoring/**",
        "churn-xgboost/conda.yml",
        "churn-xgboost/sample-request.json",
    ]


def test_a_plan_with_several_deployments_is_refused(tmp_path: Path) -> None:
    plan = own_preset(tmp_path)
    text = plan.read_text()
    plan.write_text(text.replace("deployment:\n", "deployments:\n- ", 1).replace("-   name: blue", "- name: blue", 1))
    tree = yaml.safe_load(text)
    tree["deployments"] = [{**tree["deployment"], "name": name} for name in ("blue", "green")]
    del tree["deployment"]
    plan.write_text(yaml.safe_dump(tree))
    with pytest.raises(PlanInvalid, match="several"):
        exported(plan, "github-actions", tmp_path)
