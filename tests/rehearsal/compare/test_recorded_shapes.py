"""Every recorded answer's fields are in the rehearsal's answer to the same operation, with the same types.

`recorded_shapes.json` holds fields and types of answers that Azure PowerShell's test recordings show, no values. A type
"null" says that the recorded value was null: the field has to be there, of whatever type; "time" and "duration" are
texts in the form in which they were recorded.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm

RECORDED = json.loads(Path(__file__).with_name("recorded_shapes.json").read_text())
ANSWERS: list[dict[str, Any]] = RECORDED["answers"]
CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
SCORE = "def init():\n    pass\n\n\ndef run(text):\n    return {'received': len(text)}\n"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}\+00:00$")
DURATION = re.compile(r"PT(?=\d)(\d+H)?(\d+M)?(\d+S)?$")
MLMODEL = """
flavors:
  python_function: {data: model.pkl, env: conda.yaml, loader_module: mlflow.sklearn, model_path: model.pkl,
                    python_version: 3.8.5}
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle, sklearn_version: 1.1.2}
"""


def lacking(shape: Any, found: Any, where: str = "") -> list[str]:
    """What a recorded shape has that an answer has not, or has with another type."""
    if isinstance(shape, dict):
        if not isinstance(found, dict):
            return [f"{where} is no object"]
        lines = [f"{where}.{name} is missing" for name in shape if name not in found]
        return lines + [
            line for name in shape if name in found for line in lacking(shape[name], found[name], f"{where}.{name}")
        ]
    if isinstance(shape, list):
        if not isinstance(found, list):
            return [f"{where} is no list"]
        if not shape:
            return [f"{where} is not empty"] if found else []
        tried = [lacking(shape[0], item, f"{where}[]") for item in found]
        return min(tried, key=len) if tried else [f"{where} is empty"]
    good = {
        "null": True,
        "string": isinstance(found, str),
        "number": isinstance(found, (int, float)) and not isinstance(found, bool),
        "boolean": isinstance(found, bool),
        "time": isinstance(found, str) and TIME.match(found) is not None,
        "duration": isinstance(found, str) and DURATION.match(found) is not None,
    }[shape]
    return [] if good else [f"{where} is {found!r}, not a {shape}"]


def test_what_is_lacking_is_seen() -> None:
    shape = {"a": "string", "b": [{"c": "number"}], "d": "null", "e": "boolean"}
    assert lacking(shape, {"a": "x", "b": [{}, {"c": 1}], "d": 3, "e": True, "more": 1}) == []
    assert len(lacking(shape, {"a": None, "b": [{"c": "1"}], "e": 1})) == 4
    assert lacking({"value": []}, {"value": [1]})
    assert lacking({"value": ["string"]}, {"value": []})
    shape = {"at": "time", "wait": "duration"}
    assert lacking(shape, {"at": "2024-07-25T07:22:14.0715468+00:00", "wait": "PT1M30S"}) == []
    assert len(lacking(shape, {"at": "2024-07-25", "wait": "PT"})) == 2


class Played:
    """The recorded scenario in the rehearsal: an endpoint, its assets, a deployment that serves, then a patch."""

    def __init__(self, arm: Arm, empty: Arm, name: str, artifacts: Path) -> None:
        self.arm, self.empty, self.name = arm, empty, name
        self.answers: dict[str, requests.Response] = {}
        self._play(artifacts)

    def _note(self, operation: str, answer: requests.Response) -> requests.Response:
        assert answer.status_code < 400, f"{operation}: {answer.status_code} {answer.text}"
        self.answers[operation] = answer
        return answer

    def _until(self, address: str, states: tuple[str, ...] = ("Updating",)) -> requests.Response:
        deadline = time.monotonic() + 150
        while True:
            answer = self.arm.call("GET", address)
            done = answer.status_code == 200 and answer.json().get("status") not in states
            if done:
                return answer
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)

    def _upload(self, container: str, path: str, content: str, sas: str) -> str:
        address = f"{self.arm.origin}/rehearsal.blob.core.windows.net/{container}/{path}"
        answer = self.arm.session.put(
            f"{address}?{sas}",
            data=content.encode(),
            headers={"x-ms-blob-type": "BlockBlob", "Authorization": ""},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        return address

    def _play(self, artifacts: Path) -> None:
        arm, name = self.arm, self.name
        endpoint, deployment = f"onlineEndpoints/{name}", f"onlineEndpoints/{name}/deployments/blue"
        stores = self._note("datastores", arm.call("GET", "datastores")).json()["value"]
        container = next(item for item in stores if item["name"] == "workspaceblobstore")["properties"]["containerName"]
        secrets = "datastores/workspaceartifactstore/listSecrets"
        self._note("secrets of a datastore with an account key", arm.call("POST", secrets))
        expiring = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True})
        sas = expiring.json()["sasToken"]
        self._upload(container, f"{name}/model/MLmodel", MLMODEL, sas)
        self._upload(container, f"{name}/model/factor.json", "3", sas)
        score = self._upload(container, f"{name}/code/score.py", (artifacts / "code" / "score.py").read_text(), sas)
        body = {"location": "eastus", "properties": {"authMode": "AADToken"}}
        made = self._note("endpoint create", arm.call("PUT", endpoint, body))
        self._note("operation status at its end", self._until(made.headers["Azure-AsyncOperation"]))
        self._note("endpoint read", arm.call("GET", endpoint))
        model = {
            "modelType": "mlflow_model",
            "modelUri": f"azureml://datastores/workspaceblobstore/paths/{name}/model",
        }
        ids = {
            "codeId": self._asset("code version replace", "codes", {"codeUri": score.rpartition("/")[0]}),
            "model": self._asset("model version replace", "models", model),
            "environmentId": self._asset(
                "",
                "environments",
                {"image": "mcr.microsoft.com/azureml/x", "condaFile": (artifacts / "conda.yml").read_text()},
            ),
        }
        self._note("environment version read", arm.call("GET", f"environments/{name}/versions/1"))
        wanted = {
            "location": "eastus",
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_F4s_v2",
                "model": ids["model"],
                "environmentId": ids["environmentId"],
                "codeConfiguration": {"codeId": ids["codeId"], "scoringScript": "score.py"},
            },
        }
        made = self._note("deployment create", arm.call("PUT", deployment, wanted))
        ended = self._until(made.headers["Azure-AsyncOperation"]).json()
        assert ended["status"] == "Succeeded", ended
        self._note("deployment read after success", arm.call("GET", deployment))
        self._note("sizes that a deployment can have", arm.call("GET", f"{deployment}/skus"))
        self._note("container log", arm.call("POST", f"{deployment}/getLogs", {}))
        self._note("keys of an endpoint with Entra tokens", arm.call("POST", f"{endpoint}/listKeys"))
        self._note("token of an endpoint", arm.call("POST", f"{endpoint}/token"))
        patched = self._note("endpoint patch", arm.call("PATCH", endpoint, {"tags": {"key": "value"}}))
        self._note("operation result at its end", self._until(patched.headers["Location"]))
        self._note("endpoint read after patch", arm.call("GET", endpoint))
        self._note("endpoints of a workspace without any", self.empty.call("GET", "onlineEndpoints"))
        region = (
            "/".join(arm.workspace.split("/")[:3]) + "/providers/Microsoft.MachineLearningServices/locations/eastus"
        )
        for operation, path in (("quotas", "quotas"), ("usages", "usages"), ("sizes of the region", "vmSizes")):
            self._note(operation, arm.call("GET", f"{region}/{path}"))

    def _asset(self, operation: str, kind: str, properties: dict[str, Any]) -> str:
        path = f"{kind}/{self.name}/versions/1"
        first = self.arm.call("PUT", path, {"properties": properties})
        assert first.status_code == 201, first.text
        if operation:
            self._note(operation, self.arm.call("PUT", path, {"properties": properties}))
        return str(first.json()["id"])


@pytest.fixture(scope="module")
def played(
    rehearsal_home: dict[str, str], rehearsal: dict[str, Any], arm: Arm, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """All recorded operations, played once."""
    folder = tmp_path_factory.mktemp("played")
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(SCORE)
    (folder / "conda.yml").write_text(CONDA)
    place = ("aaaaaaaa-0000-4000-8000-00000000a001", "empty-group", f"empty-{uuid.uuid4().hex[:8]}")
    known = subprocess.run(
        [sys.executable, "-m", "tui.rehearsal", "env", "--json", "--workspace", *place],
        env=rehearsal_home,
        cwd=Path(__file__).resolve().parents[3],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert known.returncode == 0, known.stderr
    names = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
    empty = Arm({**arm.env, **dict(zip(names, place))}, rehearsal["url"])
    name = f"played-{uuid.uuid4().hex[:8]}"
    yield Played(arm, empty, name, folder)
    arm.call("DELETE", f"onlineEndpoints/{name}")


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda recorded: str(recorded["operation"]))
def test_the_answer_has_what_was_recorded(recorded: dict[str, Any], played: Played) -> None:
    answer = played.answers[recorded["operation"]]
    assert answer.status_code == recorded["status"]
    assert [name for name in recorded["headers"] if name not in answer.headers] == []
    if "body" in recorded:
        assert lacking(recorded["body"], answer.json()) == []
    assert [name for name in recorded.get("absent", []) if name in answer.json()] == []
    lines = str(answer.json()["content"]).splitlines() if "lines" in recorded else []
    assert [
        pattern for pattern in recorded.get("lines", []) if not any(re.match(pattern, line) for line in lines)
    ] == []


def test_a_deployment_has_the_defaults_that_were_recorded(played: Played) -> None:
    found = played.answers["deployment create"].json()["properties"]
    probe = {
        "failureThreshold": 30,
        "successThreshold": 1,
        "timeout": "PT2S",
        "period": "PT10S",
        "initialDelay": "PT10S",
    }
    assert (found["livenessProbe"], found["readinessProbe"]) == (probe, probe)
    assert list(played.answers["container log"].json()) == ["content"]
