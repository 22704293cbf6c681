"""A plain HTTP client for tests of the rehearsal's Resource Manager."""

from __future__ import annotations

from typing import Any

import requests

CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"


class Arm:
    """A plain HTTP client of the rehearsal's Resource Manager."""

    def __init__(self, env: dict[str, str], origin: str) -> None:
        self.origin = origin
        self.env = env
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = env["REQUESTS_CA_BUNDLE"]
        self.session.headers["Authorization"] = f"Bearer {self.token(origin)}"
        self.workspace = (
            f"/subscriptions/{env['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{env['AZURE_RESOURCE_GROUP']}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{env['AZURE_ML_WORKSPACE']}"
        )

    def token(self, resource: str) -> str:
        """A token of the managed identity."""
        answer = requests.get(
            self.env["IDENTITY_ENDPOINT"],
            params={"resource": resource, "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": self.env["IDENTITY_HEADER"]},
            verify=self.env["REQUESTS_CA_BUNDLE"],
            timeout=30,
        )
        return str(answer.json()["access_token"])

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """One request; a path that does not begin with a slash is below the workspace."""
        url = (
            path
            if path.startswith("https:")
            else self.origin + (path if path.startswith("/") else f"{self.workspace}/{path}")
        )
        return self.session.request(
            method, url, params={"api-version": "2024-04-01"}, json=body, headers=headers, timeout=60
        )
