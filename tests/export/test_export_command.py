"""`aml-deploy export` and `aml-deploy import`: files, exit codes, and secrets that are in no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from exporting import exported, own_preset

from tui.export.targets import TARGETS
from tui.plan.load_save.load import load
from tui.plan.problems import PlanInvalid

ROOT = Path(__file__).resolve().parents[2]
ALL = [target.name for target in TARGETS]


def command(*arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "AML_DEPLOY_HOME": str(cwd / "state"), **variables}
    line = [sys.executable, "-m", "tui", *map(str, arguments)]
    return subprocess.run(line, env=environ, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.smoke
def test_a_plan_goes_out_and_comes_back(tmp_path: Path) -> None:
    plan = own_preset(tmp_path)
    done = command("export", plan, "--to", "az-yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert [path.name for path in written] == ["endpoint.yml", "deployment.yml", "deploy.sh"]
    assert os.access(tmp_path / written[2], os.X_OK)
    again = command("export", plan, "--to", "az-yaml", cwd=tmp_path)
    assert again.returncode == 2 and "--force" in again.stderr
    assert command("export", plan, "--to", "az-yaml", "--force", cwd=tmp_path).returncode == 0
    back = command("import", *written[:2], "-o", "back.yml", cwd=tmp_path)
    assert back.returncode == 0, back.stderr
    assert load(tmp_path / "back.yml").get("deployment.instance_type") == "Standard_D4as_v4"
    assert command("import", *written[:2], "-o", "back.yml", cwd=tmp_path).returncode == 2


def test_an_import_prints_the_plan_and_what_was_left_out_and_nothing_of_the_sdk(tmp_path: Path) -> None:
    (tmp_path / "blue.yml").write_text(
        "name: blue\nendpoint_name: churn\ninstance_type: Standard_D4as_v4\ninstance_count: '2'\n"
        "private_network_connection: true\nenvironment: {image: base, tags: {a: b}}\n"
    )
    # A cloud's name that another process has left is unknown to the SDK while it loads.
    done = command("import", "blue.yml", "-o", "plan.yml", cwd=tmp_path, AZUREML_CURRENT_CLOUD="AzureRehearsal")
    assert (done.returncode, done.stdout) == (0, "plan.yml\n")
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()] == [
        "blue.yml, line 5, private_network_connection",
        "blue.yml, line 6, environment.tags",
        "Check it",
    ]
    assert load(tmp_path / "plan.yml").get("deployment.instance_count") == 2


def test_an_import_that_the_sdk_refuses_ends_with_2_and_its_reason(tmp_path: Path) -> None:
    text = "name: blue\nendpoint_name: churn\ninstance_type: S\ninstance_count: many\nmodel: {path: nothing}\n"
    (tmp_path / "blue.yml").write_text(text)
    done = command("import", "blue.yml", "-o", "plan.yml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "blue.yml, line 4, instance_count" in done.stderr and "Not a valid integer." in done.stderr
    assert "blue.yml, line 5, model" in done.stderr and "No such file or directory" in done.stderr
    assert "\x1b" not in done.stderr and "Traceback" not in done.stderr and ".py" not in done.stderr
    assert not (tmp_path / "plan.yml").exists()


def test_an_import_takes_what_az_takes_on_its_command_line(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "model").mkdir()
    (tmp_path / "sub" / "model" / "MLmodel").touch()
    (tmp_path / "sub" / "blue.yml").write_text(
        "name: blue\nendpoint_name: <ENDPOINT>\nmodel:\n  path: <MODEL>\n  type: mlflow_model\n"
        "instance_type: {{SIZE}}\nenvironment:\n  image: base\n  conda_file:\n    dependencies: [python=3.11]\n"
    )
    (tmp_path / "endpoint.yml").write_text("name: other\nauth_mode: key\n")
    files = ["sub/blue.yml", "endpoint.yml", "-o", "plan.yml", "--endpoint-name", "mine"]
    done = command("import", *files, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "sub/blue.yml, line 6, instance_type" in done.stderr and "{{SIZE}} is a placeholder" in done.stderr
    text = (tmp_path / "sub" / "blue.yml").read_text().replace("{{SIZE}}", "Standard_DS3_v2")
    (tmp_path / "sub" / "blue.yml").write_text(text)
    done = command("import", *files, cwd=tmp_path)
    assert "sub/blue.yml, line 4, model.path" in done.stderr and "--set model.path=VALUE" in done.stderr
    sets = ["--set", "model.path=model", "--set", "instance_count=2", "--set", "endpoint.auth_mode=aml_token"]
    done = command("import", *files, *sets, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "plan.yml\nblue-conda.yml\n"), done.stderr
    assert "registers it as mine-blue-model" in done.stderr and "refers to a file, blue-conda.yml" in done.stderr
    plan = load(tmp_path / "plan.yml")
    found = {key: plan.get(f"deployment.{key}") for key in ("model.path", "instance_count", "environment.conda_file")}
    assert found == {"model.path": "sub/model", "instance_count": 2, "environment.conda_file": "blue-conda.yml"}
    assert (plan.get("endpoint.name"), plan.get("endpoint.auth_mode")) == ("mine", "aml_token")
    assert (tmp_path / "blue-conda.yml").read_text() == "dependencies:\n- python=3.11\n"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("nothing", "--set nothing: write it as KEY=VALUE"),
        ("=1", "--set =1: write it as KEY=VALUE"),
        (
            "instance_count=many",
            "--set instance_count, instance_count\n    azure-ai-ml refuses this: Not a valid integer",
        ),
        ("nothing=1", "--set nothing, nothing\n    azure-ai-ml refuses this: The key is unknown."),
        ("endpoint.auth_mode=key", "--set, endpoint.auth_mode\n    This is for the file of an endpoint"),
    ],
)
def test_an_import_refuses_options_that_say_nothing(tmp_path: Path, option: str, said: str) -> None:
    (tmp_path / "blue.yml").write_text(
        "name: blue\nendpoint_name: e\nmodel: azureml:m:1\ninstance_type: Standard_DS3_v2\n"
    )
    done = command("import", "blue.yml", "-o", "plan.yml", "--set", option, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr, done.stderr


def test_an_import_refuses_a_signature_and_writes_it_nowhere(tmp_path: Path) -> None:
    (tmp_path / "blue.yml").write_text(
        "name: blue\nendpoint_name: churn\nenvironment_variables:\n  DATA: https://a.blob.core.windows.net/c?sig=Zm9vYmFy\n"
    )
    done = command("import", "blue.yml", "-o", "plan.yml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "blue.yml, line 4, environment_variables.DATA" in done.stderr and "(SAS)" in done.stderr
    assert "${env:NAME}" in done.stderr and "Zm9v" not in done.stderr
    holding = [file for file in tmp_path.rglob("*") if file.is_file() and b"Zm9v" in file.read_bytes()]
    assert holding == [tmp_path / "blue.yml"]


def test_what_cannot_be_exported_ends_with_2_and_a_sentence(tmp_path: Path) -> None:
    plan = own_preset(tmp_path)
    nowhere = command("export", plan, "--to", "terraform", cwd=tmp_path)
    assert nowhere.returncode == 2 and "There is no export to terraform" in nowhere.stderr
    plan.write_text(plan.read_text().replace("instance_count: 1", "instance_count: many"))
    wrong = command("export", plan, "--to", "docs", cwd=tmp_path)
    assert wrong.returncode == 2 and "deployment.instance_count" in wrong.stderr
    assert not (tmp_path / "docs").exists()


@pytest.mark.parametrize("to", ALL)
def test_no_target_writes_a_secret(tmp_path: Path, to: str) -> None:
    method = "credential: {method: service_principal, client_id: '${env:APP}', client_secret: '%s'}"
    old = "credential: {method: default}"
    plan = own_preset(tmp_path, (old, method % "${env:APP_SECRET}"))
    made = exported(plan, to, tmp_path / "out")
    assert made.files
    # A value that was written into the plan by mistake is refused, and not copied into more files.
    plan.write_text(plan.read_text().replace("${env:APP_SECRET}", "hunter2"))
    with pytest.raises(PlanInvalid) as refused:
        exported(plan, to, tmp_path / "out2")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("to", ALL)
def test_a_plan_of_registered_assets_is_exported_everywhere(tmp_path: Path, to: str) -> None:
    plan = tmp_path / "plan.yml"
    plan.write_text(
        "workspace: {subscription_id: 00000000-0000-0000-0000-000000000001, resource_group: rg, name: ws-churn}\n"
        "endpoint: {name: churn-endpoint-01}\n"
        "deployment:\n  name: blue\n  model: azureml:churn:3\n  environment: azureml:churn-env@latest\n"
        "  code_configuration: {code: ., scoring_script: score.py}\n"
    )
    text = "".join(item.text for item in exported(plan, to, tmp_path / "out").files)
    assert "rg" in text or to == "bicep"
    assert ("azureml:churn:3" in text) == (to != "bicep")


def test_a_path_that_only_we_can_fetch_is_refused_where_others_must(tmp_path: Path) -> None:
    plan = own_preset(tmp_path, ("path: churn-xgboost/model", "path: 'models:/churn/3'"))
    for to in ("az-yaml", "python", "notebook"):
        with pytest.raises(PlanInvalid, match="models:"):
            exported(plan, to, tmp_path / to)
    assert "models:/churn/3" in exported(plan, "github-actions", tmp_path / "repo").files[1].text


def test_the_runbook_says_what_it_costs_and_how_to_call(tmp_path: Path) -> None:
    text = exported(own_preset(tmp_path), "docs", tmp_path / "out").files[0].text
    assert "| blue, 1 × Standard_D4as_v4 | eastus | 0.192 USD | 140 USD |" in text
    assert "List price in USD" in text and "private endpoint" in text
    assert "get-credentials" in text and "aml-deploy rollback $ENDPOINT" in text
    assert "only through the workspace's private endpoint" in text
    blocks = text.split("```sh\n")[1:]
    for block in blocks:
        checked = subprocess.run(
            ["bash", "-n"], input=block.split("```")[0], text=True, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_the_wizard_asks_the_helper_to_write_files(tmp_path: Path) -> None:
    from tui.helper.dispatch import ask

    document = load(own_preset(tmp_path))
    sent = {"document": document.tree, "base": str(document.base), "secrets": {"credential.client_secret": "hunter2"}}
    listed = ask("export", {"plan": sent})
    assert [item["name"] for item in listed["result"]["targets"]] == ALL
    folder = tmp_path / "taken away"
    given = {"plan": sent, "to": "github-actions", "folder": str(folder)}
    answer = ask("export", given)
    assert [Path(path).name for path in answer["result"]["files"]] == [
        "deploy-churn-endpoint-01.yml",
        "churn-endpoint-01.plan.yml",
    ]
    assert not any("hunter2" in Path(path).read_text() for path in answer["result"]["files"])
    assert ask("export", given)["error"]["code"] == "FilesExist"
    assert "files" in ask("export", {**given, "replace": True})["result"]
    assert "There is no export" in ask("export", {"plan": sent, "to": "terraform"})["error"]["cause"]
