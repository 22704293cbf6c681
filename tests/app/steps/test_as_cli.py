"""Each step as Azure CLI commands and as YAML, checked against Azure's own schemas."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.app.panes import VARIABLES, home
from tui.app.state.store import Store
from tui.app.steps import az_files
from tui.app.steps.as_cli import as_code, shell_word
from tui.app.steps.step_texts import ORDER
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
async def store() -> Any:
    """The preset's plan."""
    return Store(load("churn-xgboost"), environ=VARIABLES)


def commands(text: str) -> list[str]:
    """The commands of a text, each on one line."""
    joined = text.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.startswith("az ")]


def files(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The YAML files of a text by name."""
    for part in text.split("\n# ")[1:]:
        name, _, body = part.partition(":\n")
        if name.endswith(".yml"):
            yield name, yaml.safe_load(body)


def shell(script: str) -> str:
    """What bash prints; it may not stumble."""
    done = subprocess.run(["bash", "-eu"], input=script, env=VARIABLES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("step", ORDER)
async def test_every_step_has_commands_that_a_shell_understands(step: str, store: Store) -> None:
    text = as_code(step, store)
    assert commands(text), "a step without commands teaches nothing"
    shell("\n".join(f"az() {{ :; }}\n{command}" for command in commands(text)))


async def test_the_files_are_taken_by_azures_own_schemas(store: Store, tmp_path: Path) -> None:
    from azure.ai.ml import load_online_deployment, load_online_endpoint

    shown = dict(files(as_code("review", store)))
    for name, tree in shown.items():
        (tmp_path / name).write_text(yaml.safe_dump(tree))
    endpoint = load_online_endpoint(tmp_path / "endpoint.yml")
    assert (endpoint.name, endpoint.auth_mode) == ("churn-endpoint-01", "key")
    assert endpoint.public_network_access == "disabled"
    deployment = load_online_deployment(
        tmp_path / "deployment.yml", relative_origin=str(store.document.base / "deployment.yml")
    )
    assert (deployment.name, deployment.endpoint_name) == ("blue", "churn-endpoint-01")
    assert deployment.instance_type == "Standard_D4as_v4"
    assert deployment.code_configuration.scoring_script == "score.py"
    assert deployment.egress_public_network_access == "disabled"


async def test_registered_assets_are_references_and_are_shown_not_created(store: Store, tmp_path: Path) -> None:
    store.set("deployment.model.path", "azureml:churn:7")
    store.set("deployment.environment.registered", "azureml:scoring:3")
    text = as_code("model", store)
    assert "az ml model show --name churn --version 7" in text and "model create" not in text
    assert "az ml environment show --name scoring --version 3" in text and "environment create" not in text
    tree = az_files.deployment(store)
    assert (tree["model"], tree["environment"]) == ("azureml:churn:7", "azureml:scoring:3")


async def test_a_model_without_code_has_neither_script_nor_environment() -> None:
    store = Store(load("mlflow-xgboost"), environ=VARIABLES)
    tree = az_files.deployment(store)
    assert "code_configuration" not in tree and "environment" not in tree
    assert "environment create" not in as_code("model", store)


async def test_variables_stay_variables_in_commands_and_secrets_are_nowhere(store: Store) -> None:
    store.set("credential.method", "service_principal")
    store.set("credential.client_secret", "s3cr3t value")
    text = "\n".join(as_code(step, store) for step in ORDER)
    assert "s3cr3t" not in text
    assert '--subscription "$AZURE_SUBSCRIPTION_ID"' in text and '--password "$AZURE_CLIENT_SECRET"' in text


async def test_paths_with_spaces_and_quotes_are_one_word(store: Store) -> None:
    store.set("deployment.model.path", 'my model\'s/it "is"')
    (create,) = [line for line in commands(as_code("model", store)) if "model create" in line]
    said = shell(f'az() {{ printf "%s|" "$@"; }}\n{create}')
    assert '|my model\'s/it "is"|' in said


@pytest.mark.parametrize(
    ("written", "value"),
    [("${env:A}", "one"), ("x-${env:A}", "x-one"), ("${env:A}/${env:B}$5`", "one/two words$5`"), ("plain", "plain")],
)
def test_a_reference_means_the_same_in_the_shell(written: str, value: str) -> None:
    command = f"printf %s {shell_word(written)}"
    environ = {"A": "one", "B": "two words"}
    done = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == value


async def test_several_deployments_are_a_file_each_and_a_rollout_its_steps(store: Store) -> None:
    store.document.set("deployments", [{"name": "blue"}, {"name": "green", "instance_count": 2}], "test")
    store.document.set("traffic", None, "test")
    store.document.set("mirror_traffic", {"green": 20}, "test")
    store.document.set("rollout", {"steps": [10, 100]}, "test")
    text = as_code("review", store)
    shown = dict(files(text))
    assert set(shown) == {"endpoint.yml", "deployment-blue.yml", "deployment-green.yml"}
    assert (shown["deployment-green.yml"]["name"], shown["deployment-green.yml"]["instance_count"]) == ("green", 2)
    assert shown["deployment-green.yml"]["model"] == shown["deployment-blue.yml"]["model"]
    asked = commands(text)
    assert [line for line in asked if "deployment create" in line] == [
        line for line in asked if "--file deployment-blue.yml" in line or "--file deployment-green.yml" in line
    ]
    said = shell("OLD=blue\naz() { printf '%s|' \"$@\"; echo; }\n" + "\n".join(asked))
    moved = [line.split("|")[line.split("|").index("--name") + 3] for line in said.splitlines() if "traffic|" in line]
    assert moved == ["green=20", "green=0", "blue=90 green=10", "green=100", "blue=100 green=0"]


async def test_a_request_that_is_no_json_is_not_sent_with_az(store: Store) -> None:
    store.set("test.request", "cat.png")
    text = as_code("test", store)
    assert "az ml online-endpoint invoke" not in text and "--request cat.png" in text
    assert "aml-deploy invoke churn-endpoint-01 --deployment blue" in text
