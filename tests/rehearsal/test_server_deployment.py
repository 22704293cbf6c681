"""A deployment's life: it serves, survives a restart of the rehearsal, is refused removal, crashes and recovers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm

ROOT = Path(__file__).resolve().parents[2]
CRASHING = "def init():\n    raise RuntimeError('the weights are missing')\n\n\ndef run(text):\n    return 1\n"


def run(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tui.rehearsal", *arguments],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def env(rehearsal_home: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a rehearsal of its own; built environments are shared with the session's."""
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path / "own-home")}
    yield own
    run(own, "stop")


class Flow:
    """Uploads, registers and deploys by plain requests."""

    def __init__(self, arm: Arm, artifacts: Path) -> None:
        self.arm = arm
        store = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
        wish = {"expirableSecret": True}
        sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", wish).json()["sasToken"]
        self.blobs = f"{arm.origin}/rehearsal.blob.core.windows.net/{store['containerName']}"
        self.sas = sas
        self.model = self.asset("models/factor/versions/1", {"modelUri": self.uri("model")})
        self.upload("model/model/factor.json", (artifacts / "model" / "factor.json").read_text())
        conda = (artifacts / "conda.yml").read_text()
        self.environment = self.asset(
            "environments/scoring/versions/1", {"image": "mcr.microsoft.com/x", "condaFile": conda}
        )

    @staticmethod
    def uri(folder: str) -> str:
        return f"azureml://datastores/workspaceblobstore/paths/{folder}/model"

    def asset(self, path: str, properties: dict[str, Any]) -> str:
        return str(self.arm.call("PUT", path, {"properties": properties}).json()["id"])

    def upload(self, path: str, content: str) -> None:
        answer = self.arm.session.put(
            f"{self.blobs}/{path}?{self.sas}",
            data=content.encode(),
            headers={"x-ms-blob-type": "BlockBlob", "Authorization": ""},
            timeout=30,
        )
        assert answer.status_code == 201, answer.text

    def code(self, name: str, text: str) -> str:
        self.upload(f"{name}/score.py", text)
        return self.asset(f"codes/{name}/versions/1", {"codeUri": f"{self.blobs}/{name}"})

    def begin(self, path: str, code: str, **properties: Any) -> str:
        """Asks for a deployment; returns the address of the operation."""
        body = {
            "location": "eastus",
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": "Standard_DS3_v2",
                "model": self.model,
                "environmentId": self.environment,
                "codeConfiguration": {"codeId": code, "scoringScript": "score.py"},
                **properties,
            },
        }
        answer = self.arm.call("PUT", path, body)
        assert answer.status_code in (200, 201), answer.text
        return str(answer.headers["Azure-AsyncOperation"])

    def deploy(self, path: str, code: str, **properties: Any) -> dict[str, Any]:
        """Creates or changes a deployment; returns the operation's last status."""
        return self.until(self.begin(path, code, **properties), lambda body: body["status"] != "Updating")

    def until(self, path: str, reached: Any) -> dict[str, Any]:
        deadline = time.monotonic() + 150
        while True:
            body: dict[str, Any] = self.arm.call("GET", path).json()
            if reached(body):
                return body
            assert time.monotonic() < deadline, json.dumps(body)
            time.sleep(0.05)


def _score(uri: str, key: str, bundle: str, number: int = 5, **headers: str) -> requests.Response:
    return requests.post(
        uri, json={"number": number}, headers={"Authorization": f"Bearer {key}", **headers}, verify=bundle, timeout=60
    )


def test_a_deployment_from_start_to_end(env: dict[str, str], artifacts: Path) -> None:
    described = json.loads(run(env, "env", "--json"))
    bundle = described["set"]["REQUESTS_CA_BUNDLE"]
    arm = Arm({**env, **described["set"]}, described["url"])
    flow = Flow(arm, artifacts)
    endpoint = {"location": "eastus", "properties": {"authMode": "Key"}}
    arm.call("PUT", "onlineEndpoints/factors", endpoint)
    settled = flow.until("onlineEndpoints/factors", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    uri = settled["properties"]["scoringUri"]
    key = arm.call("POST", "onlineEndpoints/factors/listKeys").json()["primaryKey"]

    # A script that cannot start.
    crashing = flow.code("crashing", CRASHING)
    path = "onlineEndpoints/factors/deployments/blue"
    failed = flow.deploy(path, crashing)
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "ResourceNotReady")
    assert "User container has crashed or terminated" in failed["error"]["message"]
    assert arm.call("GET", path).json()["properties"]["provisioningState"] == "Failed"
    logs = arm.call("POST", f"{path}/getLogs", {"tail": 100}).json()["content"]
    assert "the weights are missing" in logs
    storage = arm.call("POST", f"{path}/getLogs", {"containerType": "StorageInitializer"}).json()["content"]
    assert "Downloading 1 files" in storage

    # The same deployment with one that can.
    good = flow.code("good", (artifacts / "code" / "score.py").read_text())
    assert flow.deploy(path, good)["status"] == "Succeeded"
    arm.call(
        "PUT", "onlineEndpoints/factors", {**endpoint, "properties": {"authMode": "Key", "traffic": {"blue": 100}}}
    )
    flow.until("onlineEndpoints/factors", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    assert _score(uri, key, bundle).json() == {"product": 15}

    # An update that fails leaves the old one serving.
    assert flow.deploy(path, crashing)["status"] == "Failed"
    assert _score(uri, key, bundle).json() == {"product": 15}
    assert flow.deploy(path, good)["status"] == "Succeeded"

    refused = arm.call("DELETE", path)
    assert refused.status_code == 400
    assert "while it receives traffic" in refused.json()["error"]["message"]

    # After a restart the containers start at the first call.
    run(env, "stop")
    again = json.loads(run(env, "env", "--json"))
    assert again["url"] == described["url"]
    answer = _score(uri, key, bundle, 7)
    assert (answer.status_code, answer.json()) == (200, {"product": 21})
    arm = flow.arm = Arm({**env, **again["set"]}, again["url"])

    # A deployment may be removed while it is being made.
    green = "onlineEndpoints/factors/deployments/green"
    flow.begin(green, good)
    assert arm.call("DELETE", green).status_code == 202
    flow.until(green, lambda body: "error" in body)

    assert arm.call("DELETE", "onlineEndpoints/factors").status_code == 202
    flow.until("onlineEndpoints/factors", lambda body: "error" in body)
    assert _score(uri, key, bundle).status_code == 404
    folder = Path(again["log"]).parent / "containers"
    assert list(folder.iterdir()) == []
