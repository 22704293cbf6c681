"""What it takes to deploy in a rehearsal by plain requests: uploads, registrations, the deployment itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from arm_client import Arm


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

    def body(self, code: str, **properties: Any) -> dict[str, Any]:
        """A deployment of the model with this code."""
        return {
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

    def begin(self, path: str, code: str, **properties: Any) -> str:
        """Asks for a deployment; returns the address of the operation."""
        answer = self.arm.call("PUT", path, self.body(code, **properties))
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
