"""Fixtures for tests of the rehearsal's server."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from arm_client import CONDA, Arm

SCORE = """
import json
import os
from pathlib import Path


def init():
    global factor
    factor = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "factor.json").read_text())
    print("factor loaded")


def run(text):
    return {"product": factor * json.loads(text)["number"]}
"""


@pytest.fixture(scope="session")
def scoring_python(rehearsal_home: dict[str, str]) -> Path:
    """The interpreter of an environment with the inference server: the one that the session's rehearsal uses too."""
    import asyncio

    from tui.rehearsal.images import image_build

    cache = Path(rehearsal_home["AML_DEPLOY_CACHE"])
    return asyncio.run(image_build.build(CONDA, None, cache=cache, log=lambda line: None))


@pytest.fixture(scope="session")
def arm(rehearsal: dict[str, Any], rehearsal_env: dict[str, str]) -> Arm:
    """A client of the workspace with a managed virtual network."""
    return Arm(rehearsal_env, rehearsal["url"])


@pytest.fixture(scope="session")
def legacy_arm(rehearsal: dict[str, Any], rehearsal_env: dict[str, str]) -> Arm:
    """A client of the workspace with legacy isolation."""
    name = rehearsal["workspaces"]["legacy"]["name"]
    return Arm({**rehearsal_env, "AZURE_ML_WORKSPACE": name}, rehearsal["url"])


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def sdk_env(monkeypatch: pytest.MonkeyPatch, rehearsal: dict[str, Any]) -> Iterator[None]:
    """Points the SDK in this process at the rehearsal."""
    for variable in rehearsal["unset"]:
        # MLClient writes AZUREML_CURRENT_CLOUD by itself: set first, so that it is taken away again.
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    for variable, value in rehearsal["set"].items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("TQDM_DISABLE", "1")
    yield


@pytest.fixture
def ml_client(sdk_env: None) -> Any:
    """The unmodified client, made as in any notebook."""
    import os

    from azure.ai.ml import MLClient
    from azure.identity import DefaultAzureCredential

    return MLClient(
        DefaultAzureCredential(),
        os.environ["AZURE_SUBSCRIPTION_ID"],
        os.environ["AZURE_RESOURCE_GROUP"],
        os.environ["AZURE_ML_WORKSPACE"],
    )


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """A folder with `model/`, `code/score.py` and `conda.yml` that make a deployment that works."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "factor.json").write_text("3")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(SCORE)
    (tmp_path / "conda.yml").write_text(CONDA)
    return tmp_path


@pytest.fixture(scope="session")
def settled(arm: Arm) -> Callable[[str], dict[str, Any]]:
    """Waits until a resource has left its transient states and returns it."""
    import time

    def wait(path: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while True:
            answer = arm.call("GET", path)
            body = answer.json()
            if answer.status_code != 200 or body["properties"]["provisioningState"] in ("Succeeded", "Failed"):
                return dict(body)
            assert time.monotonic() < deadline, json.dumps(body)
            time.sleep(0.05)

    return wait


@pytest.fixture
def mgmt(sdk_env: None, rehearsal: dict[str, Any]) -> Any:
    """The unmodified management client, pointed at the rehearsal as at any other cloud."""
    import os

    from azure.identity import DefaultAzureCredential
    from azure.mgmt.machinelearningservices import MachineLearningServicesMgmtClient

    return MachineLearningServicesMgmtClient(
        DefaultAzureCredential(),
        os.environ["AZURE_SUBSCRIPTION_ID"],
        base_url=rehearsal["url"],
        credential_scopes=[f"{rehearsal['url']}/.default"],
        polling_interval=0.1,
    )


@pytest.fixture
def rehearse(rehearsal_home: dict[str, str]) -> Callable[..., str]:
    """Runs `python -m tui.rehearsal …` beside the session's rehearsal and returns what it prints."""
    import subprocess
    import sys

    def run(*arguments: str, expect: int = 0) -> str:
        root = Path(__file__).resolve().parents[2]
        command = [sys.executable, "-m", "tui.rehearsal", *arguments]
        ended = subprocess.run(
            command, env=rehearsal_home, cwd=root, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == expect, ended.stderr
        return ended.stdout if expect == 0 else ended.stderr

    return run


@pytest.fixture(scope="session")
def recorded_run(rehearsal_home: dict[str, str], rehearsal: dict[str, Any], tmp_path_factory: Any) -> Any:
    """A whole run of `aml-deploy apply --record` against the session's rehearsal, with secrets planted everywhere."""
    from recorded_run import RecordedRun

    return RecordedRun(rehearsal_home, rehearsal, tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="session")
def practising(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A second rehearsal, whose failures and pace tests may change."""
    from practised import Practised

    found = Practised({**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("practised"))})
    yield found
    assert found.command("stop").returncode == 0
