"""MLflow models without code, whose image and scoring script are Azure's, in containers."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.rehearsal.container_engine.conftest import build_image
from tests.rehearsal.container_engine.machine import Machine, own_server_plan
from tui.rehearsal.container_engine.engine import Engine
from tui.rehearsal.serving.mlflow_serving import IMAGE

PRESET = ROOT / "presets" / "mlflow-xgboost"
# As in Azure's image: a user who is not root, a start command of its own, and another environment's libraries.
_LIKE_AZURES = 'FROM {}\nENV LD_LIBRARY_PATH=/another/lib\nUSER 1234\nCMD ["runsvdir", "/var/runit"]\n'


def said(engine: Engine, *arguments: str) -> str:
    """What the engine's command prints; it must succeed."""
    done = subprocess.run([engine.program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def azures_image(engine: Engine, base_image: str) -> Iterator[None]:
    """An image of ours under the name of Azure's, while a test runs; of one process at a time."""
    ours = build_image(engine, "mlflow", _LIKE_AZURES.format(base_image), {})
    with (Path(tempfile.gettempdir()) / f"aml-deploy-tests-mlflow-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = said(engine, "images", "-q", IMAGE)
        said(engine, "tag", ours, IMAGE)
        yield
        said(engine, *(("tag", before, IMAGE) if before else ("rmi", IMAGE)))  # `ours` keeps its own name


@pytest.fixture
def plan(machine: Machine) -> dict[str, Any]:
    """A plan for the preset's model without code, as if it was saved with the image's Python, by a bare MLflow."""
    model = shutil.copytree(PRESET / "model", machine.folder / "model")
    conda = (model / "conda.yaml").read_text().replace("python=3.12.11", "python=3.11")
    kept = [line for line in conda.splitlines(True) if "azureml-inference-server-http" not in line]
    assert "python=3.11\n" in conda and len(kept) == len(conda.splitlines()) - 1
    (model / "conda.yaml").write_text("".join(kept))
    shutil.copy(PRESET / "sample-request.json", machine.folder)
    made = own_server_plan("", model={"name": "churn", "path": "model", "type": "mlflow_model"})
    for name in ("environment", "egress_public_network_access"):
        del made["deployment"][name]
    return {**made, "test": {"request": "sample-request.json"}}


@pytest.mark.usefixtures("azures_image")
def test_a_model_without_code_is_served_on_azures_image_with_its_own_packages(
    machine: Machine, engine: Engine, plan: dict[str, Any]
) -> None:
    code, events = machine.apply(plan, "--scenario", "approved-outbound")
    assert code == 0, json.dumps(events[-2:])
    assert events[-1]["test"]["status_code"] == 200
    first, second = json.loads(events[-1]["test"]["response"])
    assert first > 0.9 and second < 0.1
    log, build_log = machine.log(), "\n".join(machine.build_logs())
    assert f"It runs in containers of {engine.name}" in log and "with no network but the front end" in log
    assert "/var/mlflow_resources/mlflow_score_script.py" in log
    assert f"Image {IMAGE}" in build_log and "is on this machine and is not pulled" in build_log
    assert "added, to load and serve the model: azureml-inference-server-http>=1." in build_log
    shown = "{{.Config.User}} {{.Config.Env}} {{.Config.Cmd}}"
    all_of_them = [said(engine, "inspect", "--format", shown, one) for one in machine.labelled(engine, "ps")]
    (served,) = [one for one in all_of_them if "/azureml-server/" in one]  # the other is the relay
    assert served.startswith("1234 ")
    assert "LD_LIBRARY_PATH=/azureml-envs/rehearsal/lib:/another/lib" in served
    assert "MLFLOW_MODEL_FOLDER=model" in served
