"""A rehearsal of its own for tests of failures and of pace, with a model, code and environment that work."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from arm_client import Arm
from flow import Flow

from tests.conftest import rehearsal_command
from tui.rehearsal.places import Home
from tui.rehearsal.scenarios.scenarios import select

# The same environment as the other tests', so that it is built once.
CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
SCORE = """
import json


def init():
    print("ready")


def run(text):
    return {"product": 3 * json.loads(text)["number"]}
"""


class Practised:
    """A rehearsal that belongs to these tests; built environments are shared with the session's."""

    def __init__(self, env: dict[str, str]) -> None:
        self.base = env
        self.home = Home.of(env)
        self.described = json.loads(self.command("env", "--json").stdout)
        kept = {name: value for name, value in env.items() if name not in self.described["unset"]}
        self.env = {**kept, **self.described["set"]}
        self.origin = str(self.described["url"])
        self.arm = Arm(self.env, self.origin)
        self._flow: Flow | None = None
        self._code = ""

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`python -m tui.rehearsal …`, run to its end."""
        return rehearsal_command(*arguments, env=self.base)

    def choose(self, *names: str) -> None:
        """Makes exactly these scenarios happen."""
        select(self.home, names)

    def artifacts(self, folder: Path) -> None:
        """Uploads and registers what a deployment needs, from a folder with `model/`, `code/` and `conda.yml`."""
        self._flow = Flow(self.arm, folder)
        self._code = self._flow.code("score", (folder / "code" / "score.py").read_text())

    def endpoint(self, name: str, **properties: Any) -> dict[str, Any]:
        """Makes an endpoint; returns it."""
        body = {"location": "eastus", "properties": {"authMode": "Key", **properties}}
        answer = self.arm.call("PUT", f"onlineEndpoints/{name}", body)
        assert answer.status_code in (200, 201), answer.text
        return self.until(
            f"onlineEndpoints/{name}", lambda found: found["properties"]["provisioningState"] in ("Succeeded", "Failed")
        )

    def put_deployment(self, path: str) -> requests.Response:
        """Asks for a deployment below the workspace; the answer as it is."""
        assert self._flow is not None
        return self.arm.call("PUT", path, self._flow.body(self._code))

    def deploy(self, path: str) -> dict[str, Any]:
        """Asks for a deployment and waits; the last status of its operation."""
        answer = self.put_deployment(path)
        assert answer.status_code in (200, 201), answer.text
        return self.until(answer.headers["Azure-AsyncOperation"], lambda body: body["status"] != "Updating")

    def until(self, path: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Reads until the condition holds."""
        deadline = time.monotonic() + 90
        while True:
            body: dict[str, Any] = self.arm.call("GET", path).json()
            if reached(body):
                return body
            assert time.monotonic() < deadline, body
            time.sleep(0.02)

    def storage(self, method: str, name: str, content: bytes = b"") -> requests.Response:
        """A request about one blob, with a signature."""
        store = self.arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
        secrets = self.arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()
        url = f"{self.origin}/rehearsal.blob.core.windows.net/{store['containerName']}/{name}?{secrets['sasToken']}"
        headers = {"x-ms-blob-type": "BlockBlob", "Authorization": ""}
        return self.arm.session.request(method, url, data=content, headers=headers, timeout=60)
