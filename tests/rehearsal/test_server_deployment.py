"""A deployment's life: it serves, survives a restart of the rehearsal, is refused removal, crashes and recovers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from arm_client import Arm
from flow import Flow

from tests.conftest import rehearsal_command

CRASHING = "def init():\n    raise RuntimeError('the weights are missing')\n\n\ndef run(text):\n    return 1\n"


@pytest.fixture
def env(rehearsal_home: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a rehearsal of its own; built environments are shared with the session's."""
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path / "own-home")}
    yield own
    assert rehearsal_command("stop", env=own).returncode == 0


def _score(uri: str, key: str, bundle: str, number: int = 5, **headers: str) -> requests.Response:
    return requests.post(
        uri, json={"number": number}, headers={"Authorization": f"Bearer {key}", **headers}, verify=bundle, timeout=60
    )


@pytest.mark.slow
def test_a_deployment_from_start_to_end(env: dict[str, str], artifacts: Path) -> None:
    described = json.loads(rehearsal_command("env", "--json", env=env).stdout)
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
    assert "Downloading 1 file," in storage

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
    assert rehearsal_command("stop", env=env).returncode == 0
    again = json.loads(rehearsal_command("env", "--json", env=env).stdout)
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
