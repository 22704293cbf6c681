"""Deployments that are less usual, in the rehearsal: no model, a model in a datastore, requests that are no JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import COMMAND, aml_deploy, json_lines

CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
FORM = b'--b-1\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b-1--\r\n'
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
RAW = """
import os

from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse


def init():
    pass


@rawhttp
def run(request: AMLRequest):
    body = request.get_data(False)
    told = {"type": request.content_type, "bytes": len(body), "model_dir": os.environ.get("AZUREML_MODEL_DIR")}
    return AMLResponse(told, 200, json_str=True)
"""
READS = """
import os
from pathlib import Path


def init():
    global text
    text = (Path(os.environ["AZUREML_MODEL_DIR"]) / "m" / "w.txt").read_text()


def run(raw_data):
    return text
"""
# With the unmodified SDK, as a user puts a model into a datastore.
PUT = """
import sys
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient

subscription, group, workspace, store, name = sys.argv[1:]
client = MLClient(DefaultAzureCredential(), subscription, group, workspace)
found = client.datastores.get(store, include_secrets=True)
url = f"https://{found.account_name}.blob.{found.endpoint}"
key = getattr(found.credentials, "account_key", None) or found.credentials.sas_token
ContainerClient(url, found.container_name, credential=key).upload_blob(name, b"weights", overwrite=True)
"""


def plan(folder: Path, endpoint: str, script: str, **deployment: Any) -> Path:
    """A plan with a script and its environment; `deployment` has further keys."""
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(script)
    (folder / "conda.yml").write_text(CONDA)
    (folder / "a.png").write_bytes(PNG)
    tree = {
        "workspace": {key: f"${{env:AZURE_{name}}}" for key, name in
                      (("subscription_id", "SUBSCRIPTION_ID"), ("resource_group", "RESOURCE_GROUP"),
                       ("name", "ML_WORKSPACE"))},
        "endpoint": {"name": endpoint},
        "deployment": {
            "name": "blue",
            "code_configuration": {"code": "code", "scoring_script": "score.py"},
            "environment": {"conda_file": "conda.yml", "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"},
            **deployment,
        },
        "test": {"request": "a.png"},
    }  # fmt: skip
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(tree))
    return path


def applied(path: Path, environ: dict[str, str], *more: str) -> list[dict[str, Any]]:
    done = aml_deploy("apply", path, "--rehearse", "--yes", "--json", *more, environ=environ, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    return json_lines(done.stdout)


def checked(path: Path, environ: dict[str, str], *more: str) -> dict[str, tuple[str, str]]:
    """Severity and message of each finding by its id."""
    done = aml_deploy("check", path, "--rehearse", "--json", *more, environ=environ)
    found = json_lines(done.stdout)
    return {item["id"]: (item["severity"], item["message"]) for item in found if "id" in item}


@pytest.mark.slow
def test_an_image_is_sent_to_a_script_without_a_model(tmp_path: Path, rehearsing: dict[str, str]) -> None:
    path = plan(tmp_path, "raw-request", RAW)
    found = checked(path, rehearsing)
    said = "The plan has no model, so AZUREML_MODEL_DIR is not set, which score.py reads in line 15."
    assert found["model"] == ("warning", said)
    assert found["sample-request"] == ("ok", "a.png is sent as image/png.")

    first, last = applied(path, rehearsing), applied(path, rehearsing)[-1]
    told = {"type": "image/png", "bytes": len(PNG), "model_dir": None}
    assert json.loads(first[-1]["test"]["response"]) == json.loads(last["test"]["response"]) == told
    assert not any(event.get("resource") == "model" for event in first)

    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    (tmp_path / "form").write_bytes(FORM)
    form = ("form", "multipart/form-data; boundary=b-1", len(FORM))
    for name, kind, size in (("a.png", "image/png", len(PNG)), ("a.csv", "text/csv", 8), form):
        call = aml_deploy("invoke", "raw-request", "--request", tmp_path / name, "--rehearse", environ=rehearsing)
        assert (call.returncode, json.loads(call.stdout)) == (0, {"type": kind, "bytes": size, "model_dir": None})
    piped = subprocess.run([*COMMAND, "invoke", "raw-request", "--request", "-", "--rehearse"],
                           env=rehearsing, input=PNG, capture_output=True, timeout=120, check=False)  # fmt: skip
    assert piped.returncode == 2 and b"is not JSON. Name a file" in piped.stderr

    look = aml_deploy("troubleshoot", "raw-request", "--rehearse", environ=rehearsing)
    assert look.returncode == 0 and "2 test calls succeeded" in " ".join(look.stdout.split()), look.stdout
    trial = aml_deploy("check", path, "--rehearse", "--try-locally", environ=rehearsing, timeout=300)
    assert 'status 200: {"type": "image/png"' in trial.stdout, trial.stdout + trial.stderr
    removed = aml_deploy("remove", path, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


@pytest.mark.slow
def test_a_model_in_a_datastore_is_registered_in_place(
    tmp_path: Path, rehearsing: dict[str, str], rehearsal: dict[str, Any], rehearsal_env: dict[str, str]
) -> None:
    address = "azureml://datastores/workspaceblobstore/paths/mine/m"
    path = plan(tmp_path, "stored-model", READS, model={"name": "stored", "path": address})
    (tmp_path / "a.png").unlink()
    (tmp_path / "r.json").write_text("{}")
    more = ("--set", "test.request=r.json")
    assert checked(path, rehearsing, *more)["model-source"][0] == "blocker", "nothing is there"
    lacking = checked(path, rehearsing, *more, "--set", "deployment.model.path=azureml://datastores/none/paths/m")
    assert lacking["model-source"][0] == "blocker" and "no datastore named none" in lacking["model-source"][1]

    place = [rehearsal["set"][name] for name in ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP")]
    place.append(rehearsal["workspaces"]["managed"]["name"])
    logged = "azureml://jobs/job1/outputs/artifacts/paths/m"
    for store, name in (("workspaceblobstore", "mine/m/w.txt"),
                        ("workspaceartifactstore", "ExperimentRun/dcid.job1/m/w.txt")):  # fmt: skip
        subprocess.run([sys.executable, "-c", PUT, *place, store, name], env=rehearsal_env, check=True, timeout=120)
    assert checked(path, rehearsing, *more)["model-source"][0] == "ok"
    events = applied(path, rehearsing, *more)
    assert events[-1]["test"]["response"].strip('"') == "weights"
    said = " ".join(str(event.get("line") or "") for event in events)
    assert f"reads {address} in place" in said

    again = applied(path, rehearsing, *more)
    assert "was made from the same files" in " ".join(str(event.get("line") or "") for event in again)
    events = applied(path, rehearsing, *more, "--set", f"deployment.model.path={logged}")
    assert events[-1]["test"]["response"].strip('"') == "weights"
    removed = aml_deploy("remove", path, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


@pytest.mark.slow
def test_what_needs_docker_is_checked_and_then_refused_by_name(tmp_path: Path, rehearsing: dict[str, str]) -> None:
    route = {"path": "/score", "port": 8000}
    routes = {f"{name}_route": route for name in ("liveness", "readiness", "scoring")}
    own = {"image": "acr.azurecr.io/r:1", "inference_config": routes}
    path = plan(tmp_path, "other-server", "x <- 1\n", environment=own)
    (tmp_path / "code" / "score.py").rename(tmp_path / "code" / "serve.R")
    found = checked(path, rehearsing, "--set", "deployment.code_configuration.scoring_script=serve.R")
    assert found["score-script"] == ("ok", "serve.R is in the code folder.")
    assert found["model"] == ("ok", "The plan has no model. The image must contain it.")

    tree = yaml.safe_load(path.read_text())
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.onnx").write_bytes(b"x")
    tree["deployment"] = {"name": "blue", "model": {"name": "m", "path": "m", "type": "triton_model"}}
    tree.pop("test")
    path.write_text(yaml.safe_dump(tree))
    assert "blocker" not in {severity for severity, _ in checked(path, rehearsing).values()}
    done = aml_deploy("apply", path, "--rehearse", "--yes", environ=rehearsing, timeout=300)
    assert done.returncode == 1 and "Triton server" in done.stdout + done.stderr
    assert aml_deploy("remove", path, "--rehearse", "--yes", environ=rehearsing).returncode == 0
