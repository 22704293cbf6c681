"""Failures on demand: switched while the rehearsal runs, in Azure's shapes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from arm_client import Arm
from test_server_process import described, run
from test_server_rules import _assets, _deployment


@pytest.fixture
def own_env(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("scenarios"))}
    yield own
    assert run(own, "stop").returncode == 0


@pytest.fixture
def own(own_env: dict[str, str]) -> Arm:
    found = described(own_env)
    return Arm({**own_env, **found["set"]}, found["url"])


@pytest.fixture
def choose(own_env: dict[str, str]) -> Callable[..., None]:
    def select(*names: str) -> None:
        done = run(own_env, "scenario", *names)
        assert done.returncode == 0, done.stderr

    return select


def _until(arm: Arm, path: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        body: dict[str, Any] = arm.call("GET", path).json()
        if reached(body):
            return body
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_deployments_fail_with_each_documented_code(own: Arm, choose: Callable[..., None]) -> None:
    own.call("PUT", "onlineEndpoints/drill", {"location": "eastus", "properties": {}})
    _until(own, "onlineEndpoints/drill", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    assets = _assets(own, "drill")
    for scenario, code in (
        ("image-build", "ImageBuildFailure"),
        ("out-of-capacity", "OutOfQuota"),
        ("storage-access", "BadArgument"),
        ("managed-network-not-ready", "WorkspaceManagedNetworkNotReady"),
        ("operation-canceled", "OperationCanceled"),
        ("internal-error", "InternalServerError"),
    ):
        choose(scenario)
        answer = own.call("PUT", "onlineEndpoints/drill/deployments/blue", _deployment(assets))
        status = _until(own, answer.headers["Azure-AsyncOperation"], lambda body: body["status"] != "Updating")
        assert (status["status"], status["error"]["code"]) == ("Failed", code)
    choose("quota")
    refused = own.call("PUT", "onlineEndpoints/drill/deployments/green", _deployment(assets))
    # The deployment that failed still counts, as on Azure: 8 cores.
    assert "Current usage/limit: 8/0. Additional needed: 8" in refused.text


def test_requests_are_disturbed_and_then_no_longer(own: Arm, choose: Callable[..., None]) -> None:
    choose("throttling")
    answers = [own.call("GET", own.workspace) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["Retry-After"] == "1"
    choose("endpoint-forbidden")
    refused = own.call("PUT", "onlineEndpoints/drill", {"location": "eastus", "properties": {}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert "workspaces/onlineEndpoints/write" in refused.json()["error"]["message"]
    choose("upload-forbidden")
    store = own.call("GET", "datastores/workspaceblobstore").json()["properties"]
    sas = own.call("POST", "datastores/workspaceblobstore/listSecrets", {}).json()["sasToken"]
    url = f"{own.origin}/rehearsal.blob.core.windows.net/{store['containerName']}/x?{sas}"
    headers = {"x-ms-blob-type": "BlockBlob"}
    refused = own.session.put(url, data=b"x", headers=headers, timeout=30)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")
    choose()
    assert own.session.put(url, data=b"x", headers=headers, timeout=30).status_code == 201


def test_an_unknown_scenario_is_refused_and_all_are_explained(own_env: dict[str, str]) -> None:
    refused = run(own_env, "scenario", "earthquake")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no scenario 'earthquake'" in refused.stderr
    listed = run(own_env, "scenario", "--list").stdout.splitlines()
    assert len(listed) > 10 and all("  " in line for line in listed)
    served = run(own_env, "serve", "--scenario", "earthquake")
    assert served.returncode == 1
    assert "There is no scenario" in served.stderr
