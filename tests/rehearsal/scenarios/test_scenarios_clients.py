"""How real clients fare in failures on demand: `aml-deploy`, and Microsoft's own client as in a notebook."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from practised import Practised

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_left(practising: Practised) -> Iterator[None]:
    practising.choose()
    yield
    practising.choose()


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """The preset with files of its own, so that model and code are uploaded each time."""
    shutil.copytree(ROOT / "presets" / "churn-xgboost", tmp_path / "churn-xgboost")
    (tmp_path / "churn-xgboost" / "model" / "made-by.txt").write_text(str(tmp_path))
    with (tmp_path / "churn-xgboost" / "onlinescoring" / "score.py").open("a") as script:
        script.write(f"\n# {tmp_path}\n")
    return Path(shutil.copy(ROOT / "presets" / "churn-xgboost.yml", tmp_path / "plan.yml"))


class Applied:
    """A run of `aml-deploy apply --rehearse`, and what is left of it removed."""

    def __init__(self, practising: Practised, plan: Path, name: str, *scenarios: str, arguments: tuple[str, ...] = ()):
        chosen = [argument for scenario in scenarios for argument in ("--scenario", scenario)]
        command = [sys.executable, "-m", "tui", "apply", str(plan), *arguments, f"--set=endpoint.name={name}"]
        inherited = ("AZURE", "ARM_", "IDENTITY_", "MSI_", "REHEARSAL_")
        kept = {key: value for key, value in practising.base.items() if not key.startswith(inherited)}
        self.done = subprocess.run(
            [*command, "--rehearse", "--yes", "--json", *chosen],
            env=kept,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        self.events = [json.loads(line) for line in self.done.stdout.splitlines()]
        practising.choose()
        workspace = practising.arm.workspace.rpartition("/")[0] + "/closed-legacy-isolation"
        practising.arm.call("DELETE", f"{workspace}/onlineEndpoints/{name}")

    @property
    def last(self) -> dict[str, Any]:
        """The last event."""
        assert self.events, self.done.stderr
        return dict(self.events[-1])

    @property
    def card(self) -> dict[str, Any]:
        """The one error card."""
        (card,) = [event["card"] for event in self.events if event["event"] == "needs_attention"]
        return dict(card)

    @property
    def retried(self) -> set[str]:
        """Why something was tried again."""
        return {event["reason"] for event in self.events if event["event"] == "task_retrying"}


def test_a_run_gets_through_what_passes(practising: Practised, plan: Path) -> None:
    run = Applied(practising, plan, "rough-seas", "expired-tokens", "server-errors", "storage-reset")
    assert (run.done.returncode, run.last["status"]) == (0, "succeeded"), run.last
    assert run.last["test"]["status_code"] == 200
    assert "The storage did not answer." in run.retried
    assert any(words in reason for reason in run.retried for words in ("internal server error", "is earlier than"))
    # Said to people, beside the events.
    assert "Active scenarios of the rehearsal: expired-tokens, server-errors, storage-reset." in run.done.stderr


@pytest.mark.parametrize(
    ("scenario", "code", "task", "words"),
    [
        ("container-crash", "ResourceNotReady", "deployment", "User container has crashed"),
        ("key-vault-bypass", "BadArgument", "endpoint", "ForbiddenByFirewall"),
        ("storage-firewall", "AuthorizationFailure", None, "not authorized"),
        ("scoring-host-unresolved", "inference.ml.azure.invalid", "test", "resolve"),
    ],
)
def test_a_run_names_the_cause(
    practising: Practised, plan: Path, scenario: str, code: str, task: str | None, words: str
) -> None:
    run = Applied(practising, plan, f"x-{scenario}", scenario)
    assert (run.done.returncode, run.last["status"]) == (1, "failed"), run.last
    said = json.dumps(run.card)
    assert code in said
    assert words in said
    assert run.card["remedy"]
    failed = {
        event["task"] for event in run.events if event["event"] == "task_finished" and event["status"] == "failed"
    }
    assert failed == {task} if task else failed <= {"model", "code"}
    assert "Traceback" not in run.done.stderr


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("quota", "needs 8 more cores"),
        ("v1-legacy-mode", "v1 legacy mode"),
        ("identity-unavailable", "No credential to sign in with was found"),
        ("signin-forbidden", "does not have authorization to perform action"),
    ],
)
def test_the_preflight_blocks(practising: Practised, plan: Path, scenario: str, words: str) -> None:
    run = Applied(practising, plan, f"x-{scenario}", scenario)
    assert (run.done.returncode, run.last["status"]) == (3, "blocked"), run.last
    assert words in run.last["message"]


def _in_notebook(practising: Practised, code: str) -> subprocess.CompletedProcess[str]:
    begin = (
        "import os\nfrom azure.ai.ml import MLClient\nfrom azure.identity import DefaultAzureCredential\n"
        "from azure.core.exceptions import *\n"
        "client = MLClient(DefaultAzureCredential(), os.environ['AZURE_SUBSCRIPTION_ID'], "
        "os.environ['AZURE_RESOURCE_GROUP'], os.environ['AZURE_ML_WORKSPACE'])\n"
    )
    return subprocess.run(
        [sys.executable, "-c", begin + code],
        env={**practising.env, "TQDM_DISABLE": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_microsofts_client_reads_the_codes(practising: Practised, artifacts: Path) -> None:
    practising.artifacts(artifacts)
    practising.endpoint("by-client")
    practising.choose("image-build", "throttling")
    done = _in_notebook(
        practising,
        f"""
from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, Model
folder = {str(artifacts)!r}
try:
    client.online_deployments.begin_create_or_update(ManagedOnlineDeployment(
        name="blue", endpoint_name="by-client", instance_type="Standard_DS3_v2", instance_count=1,
        model=Model(name="by-client", path=folder + "/model"),
        code_configuration=CodeConfiguration(code=folder + "/code", scoring_script="score.py"),
        environment=Environment(name="by-client", image="mcr.microsoft.com/x", conda_file=folder + "/conda.yml"),
    )).result()
except HttpResponseError as error:
    print("CODE", error.error.code if error.error else None, str(error).replace("\\n", " "))
""",
    )
    assert done.returncode == 0, done.stderr
    assert "CODE ImageBuildFailure" in done.stdout
    assert "failed to communicate with the workspace's container registry" in done.stdout


def test_microsofts_client_meets_a_missing_role(practising: Practised) -> None:
    practising.choose("signin-forbidden")
    done = _in_notebook(
        practising, "try:\n    list(client.online_endpoints.list())\nexcept HttpResponseError as e:\n    print(e)"
    )
    assert "(AuthorizationFailed)" in done.stdout, done.stderr
