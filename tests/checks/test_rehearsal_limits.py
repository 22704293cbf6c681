"""Every limit of the rehearsal is told by `check --rehearse`, in one sentence that names it; and it is kept then."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.plain.commands import aml_deploy, json_lines, lonely_environment

CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
SCRIPT = "def init():\n    {}\n\ndef run(raw_data):\n    return raw_data\n"
REST = """import os
import urllib.request

def init():
    address = os.environ["MSI_ENDPOINT"] + "?resource=https://vault.azure.net"
    urllib.request.urlopen(urllib.request.Request(address, headers={"secret": os.environ["MSI_SECRET"]}))

def run(raw_data):
    return raw_data
"""
VAULT = """from azure.keyvault.secrets import SecretClient

def init():
    SecretClient()

def run(raw_data):
    return raw_data
"""
# A closed machine: the package cannot reach the vault, and says nothing of a rehearsal.
PACKAGE = "def SecretClient():\n    raise OSError('Failed to resolve closed.vault.azure.net')\n"


@pytest.fixture(scope="module")
def environ(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> dict[str, str]:
    """An environment whose rehearsal is the session's, and in which nothing else says where Azure is."""
    assert rehearsal["pid"]
    lonely = lonely_environment(Path(rehearsal_home["AML_DEPLOY_HOME"]).parent)
    return {**lonely, **{name: rehearsal_home[name] for name in ("AML_DEPLOY_HOME", "AML_DEPLOY_CACHE")}}


def plan_of(folder: Path, script: str, **deployment: Any) -> Path:
    """A plan with a model, a script and a conda file."""
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "factor.json").write_text("3")
    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "score.py").write_text(script)
    (folder / "conda.yml").write_text(CONDA)
    tree = {
        "workspace": {
            "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
            "resource_group": "${env:AZURE_RESOURCE_GROUP}",
            "name": "${env:AZURE_ML_WORKSPACE}",
        },
        "endpoint": {"name": f"limits-{abs(hash(folder)) % 10**8:08}"},
        "deployment": {
            "name": "blue",
            "model": {"path": "model", "name": "limits"},
            "environment": {"conda_file": "conda.yml", "image": "mcr.microsoft.com/azureml/x:1", "name": "limits"},
            "code_configuration": {"code": "code", "scoring_script": "score.py"},
            "instance_type": "Standard_D4as_v4",
            **deployment,
        },
    }
    plan = folder / "plan.yml"
    plan.write_text(yaml.safe_dump(tree))
    return plan


def limits(plan: Path, environ: dict[str, str], *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code of `check --rehearse`, and the limits that it tells by their fields; each has the same form."""
    done = aml_deploy("check", plan, "--rehearse", "--json", *more, environ=environ)
    found = [one for one in json_lines(done.stdout) if one["id"] == "rehearsal-limit"]
    for one in found:
        assert re.fullmatch(r"The rehearsal [^\n]+[^.]\.", one["message"]) and ". " not in one["message"]
        assert one["remedy"] and one["severity"] in ("warning", "blocker")
    return done.returncode, {one["field"]: one for one in found}


def test_a_plan_that_meets_no_limit_is_told_none(environ: dict[str, str], tmp_path: Path) -> None:
    assert limits(plan_of(tmp_path, SCRIPT.format("pass")), environ) == (0, {})


def test_each_limit_is_told_at_its_field(environ: dict[str, str], tmp_path: Path) -> None:
    more = {
        "instance_type": "Standard_NC4as_T4_v3",
        "environment": {"image": "mcr.microsoft.com/own/image:1", "name": "own"},
        "data_collector": {"collections": {"request": {"enabled": "True"}}},
    }
    plan = plan_of(tmp_path, SCRIPT.format("import helper"), **more)
    (tmp_path / "code" / "helper.py").write_text("import os\nfrom azure.identity import DefaultAzureCredential\n")
    code, found = limits(plan, environ)
    assert code == 0
    assert "Standard_NC4as_T4_v3 on this machine's CPU" in found["deployment.instance_type"]["message"]
    refused = found["deployment.environment.image"]["message"]
    assert "the image mcr.microsoft.com/own/image:1" in refused and "--container-engine none was chosen" in refused
    assert "helper.py (line 2)" in found["deployment.code_configuration.scoring_script"]["message"]
    assert "collects nothing" in found["deployment.data_collector"]["message"]


def test_the_server_of_a_triton_model_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "", model={"path": "model", "name": "limits", "type": "triton_model"})
    tree = yaml.safe_load(plan.read_text())
    del tree["deployment"]["environment"], tree["deployment"]["code_configuration"]
    plan.write_text(yaml.safe_dump(tree))
    code, found = limits(plan, environ)
    assert code == 0 and "the Triton server of a triton_model" in found["deployment.environment.image"]["message"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import azure.identity", True),
        ("from azure.keyvault.secrets import SecretClient", True),
        ("os.environ['MSI_ENDPOINT']", True),
        ("get('http://169.254.169.254/metadata/identity/oauth2/token')", True),
        ("import azureml", False),
        ("from azure.storage.blob import BlobClient", False),
    ],
)
def test_which_scripts_need_an_identity(environ: dict[str, str], tmp_path: Path, line: str, told: bool) -> None:
    _, found = limits(plan_of(tmp_path, SCRIPT.format(line)), environ)
    assert ("deployment.code_configuration.scoring_script" in found) is told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("pass", ""),
        ("import first", "second.py (line 1)"),
        ("from first import (\n        x,\n        y)", "second.py (line 1)"),
        ("from . import package", "package/__init__.py (line 1)"),
    ],
)
def test_only_what_the_script_imports_counts(environ: dict[str, str], tmp_path: Path, line: str, told: str) -> None:
    plan = plan_of(tmp_path, SCRIPT.format(line))
    (tmp_path / "code" / "first.py").write_text("def x():\n    from second import y\n")
    (tmp_path / "code" / "second.py").write_text("import azure.identity\n")
    (tmp_path / "code" / "other.py").write_text("import azure.identity\n")
    (tmp_path / "code" / "package").mkdir()
    (tmp_path / "code" / "package" / "__init__.py").write_text("import azure.identity\n")
    _, found = limits(plan, environ)
    field = "deployment.code_configuration.scoring_script"
    assert (told in found[field]["message"]) if told else (field not in found)


@pytest.mark.parametrize("script", [REST, VAULT])
def test_a_script_that_fails_for_it_is_not_to_be_corrected(
    environ: dict[str, str], tmp_path: Path, script: str
) -> None:
    plan = plan_of(tmp_path, script)
    package = tmp_path / "code" / "azure" / "keyvault" / "secrets"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE)
    done = aml_deploy("apply", plan, "--rehearse", "--yes", "--json", environ=environ, timeout=300)
    assert done.returncode == 1, done.stderr
    card = next(one["card"] for one in json_lines(done.stdout) if one["event"] == "needs_attention")
    assert card["id"] == "rehearsal-no-identity" and "Correct the script" not in json.dumps(card)
    assert aml_deploy("remove", plan, "--rehearse", "--yes", "--failed", environ=environ).returncode == 0


def test_a_gpu_size_is_served_and_its_log_says_on_what(environ: dict[str, str], tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SCRIPT.format("pass"), instance_type="Standard_ND96asr_v4")
    done = aml_deploy("apply", plan, "--rehearse", "--yes", "--json", environ=environ, timeout=300)
    assert done.returncode == 0, done.stderr
    lines = [one["line"] for one in json_lines(done.stdout) if one["event"] == "task_log"]
    assert any("The rehearsal serves Standard_ND96asr_v4 on this machine's CPU." in line for line in lines)
    assert aml_deploy("remove", plan, "--rehearse", "--yes", environ=environ).returncode == 0


def test_gpu_families_have_no_quota_where_that_is_rehearsed(environ: dict[str, str], tmp_path: Path) -> None:
    plan = plan_of(tmp_path, SCRIPT.format("pass"), instance_type="Standard_NC4as_T4_v3")
    assert limits(plan, environ)[0] == 0
    try:
        assert limits(plan, environ, "--scenario", "quota")[0] == 3
    finally:
        assert aml_deploy("rehearsal", "--clear-scenarios", environ=environ).returncode == 0


@pytest.mark.parametrize(
    ("flag", "workspace"),
    [("enabled", "open-public-network"), ("disabled", "closed-legacy-isolation"), (None, "closed-managed-network")],
)
def test_the_workspace_that_fits_the_egress_flag(
    environ: dict[str, str], tmp_path: Path, flag: str | None, workspace: str
) -> None:
    plan = plan_of(tmp_path, SCRIPT.format("pass"), egress_public_network_access=flag)
    tree = yaml.safe_load(plan.read_text())
    plan.write_text(yaml.safe_dump({**tree, "endpoint": {**tree["endpoint"], "public_network_access": "enabled"}}))
    done = aml_deploy("check", plan, "--rehearse", "--json", environ=environ)
    (found,) = (one for one in json_lines(done.stdout) if one["id"] == "workspace")
    assert done.returncode == 0 and found["message"].startswith(f"{workspace} in ")
