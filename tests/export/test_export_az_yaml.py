"""The YAML files of `az ml`: the SDK's own loaders and our import read them as the plan they came from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from exporting import exported, own_preset

from tui.cloud.az_yaml import import_files
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-churn",
}
FULL = (
    "instance_count: 1",
    "instance_count: 2\n  environment_variables: {WORKER_COUNT: '2'}\n"
    "  request_settings: {request_timeout_ms: 3000, max_concurrent_requests_per_instance: 4}\n"
    "  liveness_probe: {initial_delay: 30}\n  tags: {team: risk}\n  app_insights_enabled: true",
)


def test_the_import_reads_the_same_plan(tmp_path: Path) -> None:
    plan = own_preset(tmp_path, FULL)
    exported(plan, "az-yaml", tmp_path / "out" / "deep")
    back = import_files([tmp_path / "out/deep/endpoint.yml", tmp_path / "out/deep/deployment.yml"])
    assert not back.left_out
    before, after = resolve(load(plan), ENVIRON), resolve(back, ENVIRON)
    assert after.endpoint == before.endpoint
    assert after.deployment == before.deployment
    assert after.traffic == before.traffic


def test_the_sdk_reads_endpoint_and_deployment(tmp_path: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    plan = own_preset(tmp_path, FULL)
    exported(plan, "az-yaml", tmp_path / "out")
    endpoint = load_online_endpoint(tmp_path / "out" / "endpoint.yml")
    assert (endpoint.name, endpoint.auth_mode, endpoint.public_network_access) == (
        "churn-endpoint-01",
        "key",
        "disabled",
    )
    deployment = load_online_deployment(tmp_path / "out" / "deployment.yml")
    assert (deployment.name, deployment.endpoint_name, deployment.instance_count) == ("blue", endpoint.name, 2)
    assert Path(str(deployment.model.path)).resolve() == (tmp_path / "churn-xgboost" / "model").resolve()
    assert deployment.request_settings.request_timeout_ms == 3000
    assert deployment.liveness_probe.initial_delay == 30
    assert deployment.egress_public_network_access == "disabled"


def test_a_split_and_several_deployments_come_back(tmp_path: Path) -> None:
    plan = own_preset(tmp_path, ("traffic: {blue: 100}", "traffic: {blue: 90, green: 10}"))
    text = plan.read_text()
    tree = load(plan).tree["deployment"]
    import yaml

    green = {**tree, "name": "green"}
    start, end = text.index("deployment:\n"), text.index("traffic:")
    plan.write_text(text[:start] + yaml.safe_dump({"deployments": [tree, green]}) + text[end:])
    made = exported(plan, "az-yaml", tmp_path / "out")
    names = [item.path for item in made.files]
    assert names == ["endpoint.yml", "deployment-blue.yml", "deployment-green.yml", "traffic.yml", "deploy.sh"]
    back = import_files([tmp_path / "out" / name for name in names[1:4]])
    before, after = resolve(load(plan), ENVIRON), resolve(back, ENVIRON)
    assert after.traffic == before.traffic == {"blue": 90, "green": 10}
    assert after.deployments == before.deployments


def test_references_are_set_by_the_script_and_not_in_the_files(tmp_path: Path) -> None:
    plan = own_preset(
        tmp_path,
        ("name: churn-endpoint-01 ", 'name: "${env:ENDPOINT_NAME}" '),
        ("instance_count: 1", "instance_count: 1\n  environment_variables: {API_KEY: '${env:API_KEY}'}"),
    )
    exported(plan, "az-yaml", tmp_path / "out")
    assert "${" not in (tmp_path / "out" / "deployment.yml").read_text()
    script = (tmp_path / "out" / "deploy.sh").read_text()
    assert 'ENDPOINT="${ENDPOINT_NAME}"' in script


def recorded(folder: Path, environ: dict[str, str], more: str = "") -> tuple[int, list[str], str]:
    """The script run with an `az` that only writes down what it was asked; `show` finds nothing."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    az = bin_folder / "az"
    az.write_text(
        '#!/bin/sh\nprintf \'%s|\' "$@" >> "$RECORD"; echo >> "$RECORD"\n'
        f"{more}"
        'case "$*" in *" show "*query*) echo {} ;; *" show "*) exit 3 ;; esac\n'
    )
    az.chmod(0o755)
    record = folder / "record"
    done = subprocess.run(
        ["bash", str(folder / "deploy.sh")],
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "RECORD": str(record), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = record.read_text().splitlines() if record.exists() else []
    return done.returncode, lines, done.stderr


@pytest.mark.parametrize(
    "value", ["plain-secret", "a\"b\\c$d`e & 'f'", "two\nlines\tand a tab", "<replaced-by-the-script 1>"]
)
def test_secret_values_reach_az_in_a_file_that_only_the_user_can_read(tmp_path: Path, value: str) -> None:
    variables = "{API_KEY: '${env:API_KEY}', URL: 'https://u:${env:API_KEY}@host', LEVEL: info}"
    plan = own_preset(tmp_path, ("instance_count: 1", f"instance_count: 1\n  environment_variables: {variables}"))
    exported(plan, "az-yaml", tmp_path / "out")
    bin_folder = tmp_path / "out" / "bin"
    bin_folder.mkdir()
    spy = bin_folder / "spy"
    spy.write_text(
        '#!/bin/sh\nfor one in "$@"; do case "$one" in ./aml-deploy.*) ls -l "$one"; cat "$one";; esac; done'
    )
    spy.chmod(0o755)
    seen = tmp_path / "seen"
    code, lines, said = recorded(
        tmp_path / "out", {**ENVIRON, "API_KEY": value, "SEEN": str(seen)}, 'spy "$@" >> "$SEEN"\n'
    )
    assert code == 0, said
    import yaml

    rights, _, copy = seen.read_text().partition("\n")
    assert rights.startswith("-rw-------")
    sent = yaml.safe_load(copy)["environment_variables"]
    assert sent == {"API_KEY": value, "URL": f"https://u:{value}@host", "LEVEL": "info"}
    assert not any(value.splitlines()[0] in line for line in lines)
    assert not [file for file in (tmp_path / "out").iterdir() if file.name.startswith("aml-deploy.")]
    assert "LEVEL: info" in (tmp_path / "out/deployment.yml").read_text()


def test_the_script_asks_az_for_everything_in_order(tmp_path: Path) -> None:
    exported(own_preset(tmp_path), "az-yaml", tmp_path / "out")
    code, lines, said = recorded(tmp_path / "out", ENVIRON)
    assert code == 0, said
    place = "|--subscription|00000000-0000-0000-0000-000000000001|--resource-group|rg|--workspace-name|ws-churn|"
    assert all(place.strip("|") in line for line in lines)
    verbs = ["|".join(line.split("|")[1:3]) for line in lines]
    assert verbs == [
        "online-endpoint|show",
        "online-endpoint|create",
        "online-deployment|show",
        "online-deployment|create",
        "online-endpoint|update",
        "online-endpoint|show",
        "online-endpoint|invoke",
    ]
    assert "--traffic|blue=100|" in lines[4]


def test_the_script_names_a_variable_that_is_missing(tmp_path: Path) -> None:
    exported(own_preset(tmp_path), "az-yaml", tmp_path / "out")
    code, lines, said = recorded(tmp_path / "out", {key: value for key, value in ENVIRON.items() if "ML" not in key})
    assert code != 0 and not lines
    assert "Set AZURE_ML_WORKSPACE" in said


@pytest.mark.parametrize("name", ["a b'c", 'quo"te', "x$(touch gone)"])
def test_paths_with_anything_in_them_stay_one_word(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    exported(own_preset(folder), "az-yaml", tmp_path / "out")
    code, lines, said = recorded(tmp_path / "out", ENVIRON)
    assert code == 0, said
    assert f"--request-file|../{name}/churn-xgboost/sample-request.json|" in lines[-1]
    assert not (tmp_path / "out" / "gone").exists()


ROLLOUT = ("traffic: {blue: 100}", "rollout: {steps: [10, 50, 100]}\nmirror_traffic: {green: 20}")
GREEN = ("name: blue ", "name: green ")


def test_with_a_rollout_the_new_deployment_is_tested_and_the_split_stays(tmp_path: Path) -> None:
    made = exported(own_preset(tmp_path, ROLLOUT, GREEN), "az-yaml", tmp_path / "out")
    assert [item.path for item in made.files] == ["endpoint.yml", "deployment.yml", "deploy.sh"]
    (note,) = [line for line in made.notes if line.startswith("rollout:")]
    assert "leaves the traffic unchanged" in note and "aml-deploy apply" in note
    code, lines, said = recorded(tmp_path / "out", ENVIRON)
    assert code == 0, said
    assert not [line for line in lines if "--traffic" in line or "--mirror-traffic" in line]
    assert [line for line in lines if "|create|" in line and "deployment.yml" in line]
    assert "|invoke|" in lines[-1] and "|--deployment-name|green|" in lines[-1]


def test_the_script_of_a_rollout_says_how_requests_are_shifted(tmp_path: Path) -> None:
    exported(own_preset(tmp_path, ROLLOUT, GREEN), "az-yaml", tmp_path / "out")
    script = (tmp_path / "out" / "deploy.sh").read_text()
    said = subprocess.run(
        ["bash", "-c", "ENDPOINT=churn; WHERE=(--workspace-name w)\n" + script[script.index("NEW=") :]],
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    command = 'az ml online-endpoint update --name churn --traffic "OLD=90 green=10" --workspace-name w'
    assert command in said and "(10, 50, 100 per cent)" in said and "aml-deploy apply" in said
    exported(own_preset(tmp_path / "none"), "az-yaml", tmp_path / "plain")
    assert "NEW=" not in (tmp_path / "plain" / "deploy.sh").read_text()
