"""Several clients that change the same things at once: what was accepted is what is there in the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from arm_client import Arm

ENDPOINT = {"location": "eastus", "properties": {"authMode": "Key"}}
IN_MOTION = ("Creating", "Updating", "Deleting")


def _together(count: int, work: Callable[[int], None]) -> None:
    """Runs `work` in so many threads that all begin at the same moment; their failures are raised here."""
    failures: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def _client(arm: Arm) -> Arm:
    """A client with connections of its own."""
    return Arm(arm.env, arm.origin)


def _settled(arm: Arm, path: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        body: dict[str, Any] = arm.call("GET", path).json()
        if "properties" not in body or body["properties"]["provisioningState"] not in IN_MOTION:
            return body
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_of_many_creates_an_endpoint(arm: Arm, name: str) -> None:
    answers: list[int] = []

    def create(number: int) -> None:
        client = _client(arm)
        body = {**ENDPOINT, "tags": {"by": str(number)}}
        answers.append(client.call("PUT", f"onlineEndpoints/{name}", body).status_code)

    _together(8, create)
    # Who comes when it is made already changes it; nobody else makes it.
    assert answers.count(201) == 1 and set(answers) <= {200, 201, 409}, answers
    _settled(arm, f"onlineEndpoints/{name}")
    arm.call("DELETE", f"onlineEndpoints/{name}")


def test_no_accepted_change_of_tags_is_lost(arm: Arm, name: str) -> None:
    """Each change that is accepted ends well, and the last one that was accepted is what is there."""
    path = f"onlineEndpoints/{name}"
    arm.call("PUT", path, ENDPOINT)
    _settled(arm, path)
    accepted: dict[str, dict[str, str]] = {}

    def change(number: int) -> None:
        client = _client(arm)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            tags = {"writer": str(number), "nonce": str(time.monotonic_ns())}
            answer = client.call("PATCH", path, {"tags": tags})
            assert answer.status_code in (202, 409)
            if answer.status_code == 202:
                operation = answer.headers["Location"].replace("mfeOperationResults", "mfeOperationsStatus")
                while (status := client.call("GET", operation).json())["status"] == "Updating":
                    time.sleep(0.02)
                assert status["status"] == "Succeeded"
                accepted[status["startTime"]] = tags
                return
            time.sleep(0.02)
        raise AssertionError("a change was never accepted")

    _together(6, change)
    assert sorted(tags["writer"] for tags in accepted.values()) == [str(number) for number in range(6)]
    assert _settled(arm, path)["tags"] == accepted[max(accepted)]
    arm.call("DELETE", path)


def test_versions_that_many_register_at_once(arm: Arm, name: str) -> None:
    """The same version with different content: one wins, the others are told; different versions all arrive."""
    outcome: dict[int, int] = {}

    def register(number: int) -> None:
        client = _client(arm)
        body = {"properties": {"modelUri": f"https://example.org/{number}", "modelType": "custom_model"}}
        outcome[number] = client.call("PUT", f"models/{name}/versions/1", body).status_code
        for version in range(5):
            mine = {"properties": {"modelUri": "https://example.org/x"}}
            answer = client.call("PUT", f"models/{name}-all/versions/{number * 5 + version + 1}", mine)
            assert answer.status_code == 201

    _together(8, register)
    assert sorted(outcome.values()) == [201] + [400] * 7
    winner = next(number for number, status in outcome.items() if status == 201)
    kept = arm.call("GET", f"models/{name}/versions/1").json()["properties"]["modelUri"]
    assert kept == f"https://example.org/{winner}"
    listed = arm.call("GET", f"models/{name}-all/versions").json()["value"]
    assert sorted(int(item["name"]) for item in listed) == list(range(1, 41))
    container = arm.call("GET", f"models/{name}-all").json()["properties"]
    assert container["nextVersion"] == "41"


def test_traffic_and_deletion_at_once(arm: Arm, name: str) -> None:
    """Traffic goes to deployments that are there: whoever of the two comes first, the other one is refused."""
    path = f"onlineEndpoints/{name}"
    arm.call("PUT", path, ENDPOINT)
    _settled(arm, path)
    model = {"properties": {"modelUri": "https://example.org/m", "modelType": "mlflow_model"}}
    model_id = arm.call("PUT", f"models/{name}/versions/1", model).json()["id"]
    body = {
        "location": "eastus",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {"endpointComputeType": "Managed", "model": model_id, "instanceType": "Standard_F2s_v2"},
    }
    for round_number in range(2):
        deployment = f"d-{round_number}"
        assert arm.call("PUT", f"{path}/deployments/{deployment}", body).status_code == 201
        if round_number % 2:
            _settled(arm, f"{path}/deployments/{deployment}")
        outcome: dict[int, int] = {}

        def act(number: int, deployment: str = deployment, outcome: dict[int, int] = outcome) -> None:
            client = _client(arm)
            if number % 2:
                traffic = {**ENDPOINT, "properties": {"authMode": "Key", "traffic": {deployment: 100}}}
                outcome[number] = client.call("PUT", path, traffic).status_code
            else:
                outcome[number] = client.call("DELETE", f"{path}/deployments/{deployment}").status_code

        _together(6, act)
        assert set(outcome.values()) <= {200, 202, 204, 400, 409}, outcome
        endpoint = _settled(arm, path)
        there = _settled(arm, f"{path}/deployments/{deployment}")
        given = endpoint["properties"]["traffic"].get(deployment)
        assert (given == 100) == ("properties" in there), (outcome, endpoint["properties"]["traffic"], there)
        assert (given == 100) == (200 in [outcome[number] for number in (1, 3, 5)])
        arm.call("PUT", path, ENDPOINT)
        _settled(arm, path)
        arm.call("DELETE", f"{path}/deployments/{deployment}")
    arm.call("DELETE", path)
