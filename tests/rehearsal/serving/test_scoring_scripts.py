"""Scoring scripts that go wrong, seen by a client: what Azure gives for each, from the operation to the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import CONDA, Arm
from flow import Flow

IN_INIT = {
    "raises": "def init():\n    raise ValueError('no such model')\n",
    "exits": "import os\n\n\ndef init():\n    os._exit(7)\n",
    "hangs": "import time\n\n\ndef init():\n    time.sleep(3600)\n",
    "prints": "def init():\n    print('x' * 1_000_000 + chr(10) + 'the last line')\n    raise ValueError('enough')\n",
}
IN_RUN = """
import json
import os
import time


def init():
    pass


def run(text):
    wish = json.loads(text)["wish"]
    if wish == "megabyte":
        for _ in range(10_000):
            print("y" * 99)
        print("after the megabyte", flush=True)
    if wish == "raise":
        raise ValueError("the input has no column age")
    if wish == "exit":
        os._exit(3)
    if wish == "sleep":
        time.sleep(2)
    return {"text": "plain words", "object": object(), "nan": float("nan"), "nothing": None}.get(wish, {"got": wish})
"""
# A probe that gives up after three seconds; a time-out of one.
IMPATIENT = {
    probe: {"initialDelay": "PT1S", "period": "PT1S", "timeout": "PT1S", "failureThreshold": 2}
    for probe in ("livenessProbe", "readinessProbe")
}


@pytest.fixture(scope="module")
def flow(arm: Arm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    """An endpoint of its own with model and environment."""
    folder: Path = tmp_path_factory.mktemp("scripts")
    (folder / "model").mkdir()
    (folder / "model" / "factor.json").write_text("3")
    (folder / "conda.yml").write_text(CONDA)
    made = Flow(arm, folder)
    arm.call("PUT", "onlineEndpoints/scripts", {"location": "eastus", "properties": {"authMode": "Key"}})
    made.until("onlineEndpoints/scripts", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    yield made
    arm.call("DELETE", "onlineEndpoints/scripts")


@pytest.mark.slow
def test_a_script_that_fails_in_init_ends_the_operation_with_its_own_words(flow: Flow) -> None:
    at = "onlineEndpoints/scripts/deployments/"
    begun = {
        name: flow.begin(
            f"{at}{name}",
            flow.code(f"script-{name}", f"{text}\n\ndef run(text):\n    return 1\n"),
            **(IMPATIENT if name == "hangs" else {}),
        )
        for name, text in IN_INIT.items()
    }
    ended = {name: flow.until(path, lambda body: body["status"] != "Updating") for name, path in begun.items()}
    words = {"raises": "no such model", "exits": "exited with code 7", "hangs": "probe failed", "prints": "enough"}
    for name, status in ended.items():
        assert (status["status"], status["error"]["code"]) == ("Failed", "ResourceNotReady"), status
        message = status["error"]["message"]
        assert message.startswith("User container has crashed or terminated: ")
        assert words[name] in message
        # What a poll answers stays readable, whatever the container printed.
        assert len(message) < 20_000
        assert flow.arm.call("GET", f"{at}{name}").json()["properties"]["provisioningState"] == "Failed"
    logs = {name: flow.arm.call("POST", f"{at}{name}/getLogs", {"tail": 500}).json()["content"] for name in ended}
    assert "no such model" in logs["raises"]
    assert "Name: LivenessProbeFailed, Type: Warning" in logs["hangs"]
    assert "the last line" in logs["prints"]
    assert all("UserContainerStart: Failed" in text for text in logs.values())


@pytest.fixture(scope="module")
def score(flow: Flow) -> Callable[[str], requests.Response]:
    """Calls the deployment whose run() does what it is asked for."""
    path = "onlineEndpoints/scripts/deployments/runs"
    status = flow.deploy(path, flow.code("script-runs", IN_RUN), requestSettings={"requestTimeout": "PT1S"})
    assert status["status"] == "Succeeded", status
    uri = flow.arm.call("GET", "onlineEndpoints/scripts").json()["properties"]["scoringUri"]
    key = flow.arm.call("POST", "onlineEndpoints/scripts/listKeys").json()["primaryKey"]

    def call(wish: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}", "azureml-model-deployment": "runs"}
        return requests.post(uri, json={"wish": wish}, headers=headers, verify=flow.arm.session.verify, timeout=60)

    return call


@pytest.mark.parametrize(
    ("wish", "status", "reason", "body"),
    [
        ("megabyte", 200, None, '{"got": "megabyte"}'),
        ("text", 200, None, '"plain words"'),
        ("nothing", 200, None, "{}"),
        # Python writes what is no JSON all the same.
        ("nan", 200, None, "NaN"),
        ("object", 424, "500", "An unexpected internal error occurred"),
        ("raise", 424, "500", "An unexpected error occurred in scoring script"),
        ("sleep", 408, None, "upstream request timeout"),
        ("exit", 424, "502", ""),
    ],
)
def test_what_run_does_is_answered_as_documented(
    score: Callable[[str], requests.Response], wish: str, status: int, reason: str | None, body: str
) -> None:
    answer = score(wish)
    assert (answer.status_code, answer.headers.get("ms-azureml-model-error-statuscode")) == (status, reason)
    assert body in answer.text
    assert answer.headers["azureml-model-deployment"] == "runs"


def test_the_deployment_goes_on_after_all_of_it(score: Callable[[str], requests.Response], flow: Flow) -> None:
    score("megabyte")
    score("exit")
    answer: Any = None
    for _ in range(20):
        answer = score("still there")
        if answer.status_code == 200:
            break
    assert answer.json() == {"got": "still there"}
    content = flow.arm.call("POST", "onlineEndpoints/scripts/deployments/runs/getLogs", {"tail": 100_000}).json()[
        "content"
    ]
    assert "after the megabyte" in content
    assert "y" * 99 in content
    # Bounded, as the lines that a client asks for.
    short = flow.arm.call("POST", "onlineEndpoints/scripts/deployments/runs/getLogs", {"tail": 10}).json()["content"]
    assert len(short) < 5_000
