"""What a run has made, read from the rehearsal without any code of the project's own."""

from __future__ import annotations

import time
from typing import Any

import requests

API = {"api-version": "2024-04-01"}
RUNS_OWN_TAGS = ("aml-deploy-run", "aml-deploy-plan", "aml-deploy-by")


class Azure:
    """The rehearsal's Resource Manager, for the workspace that an environment names."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self._origin = env["ARM_CLOUD_METADATA_URL"].partition("/metadata")[0]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = env["REQUESTS_CA_BUNDLE"]
        token = self._session.get(
            env["IDENTITY_ENDPOINT"],
            params={"resource": self._origin, "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": env["IDENTITY_HEADER"]},
            timeout=30,
        )
        self._session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        self._workspace = (
            f"{self._origin}/subscriptions/{env['AZURE_SUBSCRIPTION_ID']}/resourceGroups/{env['AZURE_RESOURCE_GROUP']}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{env['AZURE_ML_WORKSPACE']}"
        )

    def get(self, path: str, **query: str) -> Any:
        """The JSON below the workspace; None for 404."""
        answer = self._session.get(f"{self._workspace}/{path}", params={**API, **query}, timeout=60)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return answer.json()

    def status(self, address: str) -> int:
        """The status code at an address that Azure has named."""
        return self._session.get(address, timeout=60).status_code

    def post(self, path: str, **body: str) -> Any:
        """What an action below the workspace answers; None if it has only begun."""
        answer = self._session.post(f"{self._workspace}/{path}", params=API, json=body or None, timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def put_in_group(self, path: str, body: dict[str, Any]) -> None:
        """PUT something into the workspace's resource group."""
        self._in_group("PUT", path, json=body).raise_for_status()

    def delete_in_group(self, path: str) -> None:
        """DELETE something in the workspace's resource group."""
        self._in_group("DELETE", path).raise_for_status()

    def listed_in_group(self, path: str) -> list[dict[str, Any]]:
        """The items of a collection of the workspace's resource group."""
        return list(self._in_group("GET", path).json()["value"])

    def _in_group(self, method: str, path: str, **more: Any) -> requests.Response:
        group, query = self._workspace.partition("/providers/")[0], {"api-version": "2022-10-01"}
        return self._session.request(method, f"{group}/{path}", params=query, timeout=60, **more)

    def listed(self, path: str, **query: str) -> list[dict[str, Any]]:
        """The items of a collection."""
        return list((self.get(path, **query) or {}).get("value") or [])

    def delete(self, path: str) -> None:
        """Delete what is below the workspace."""
        self._session.delete(f"{self._workspace}/{path}", params=API, timeout=60).raise_for_status()

    def remove(self, endpoint: str, longest: float = 60) -> None:
        """Remove an endpoint and wait until it is gone."""
        end = time.monotonic() + longest
        while self.get(f"onlineEndpoints/{endpoint}") is not None:
            self._session.delete(f"{self._workspace}/onlineEndpoints/{endpoint}", params=API, timeout=60)
            assert time.monotonic() < end, f"{endpoint} is still there"
            time.sleep(0.1)

    def remove_deployment(self, endpoint: str, name: str, longest: float = 60) -> None:
        """Remove a deployment and wait until it is gone."""
        path, end = f"onlineEndpoints/{endpoint}/deployments/{name}", time.monotonic() + longest
        while self.get(path) is not None:
            self._session.delete(f"{self._workspace}/{path}", params=API, timeout=60)
            assert time.monotonic() < end, f"{name} is still there"
            time.sleep(0.1)

    def state(self, name: str, code_hash: str) -> dict[str, Any]:
        """Everything that a run of the endpoint, model and environment `name` has made, with `name` itself left out."""
        endpoint = self.get(f"onlineEndpoints/{name}")
        assert endpoint is not None, f"there is no endpoint {name}"
        made = {
            "endpoint": _essence(endpoint),
            "deployments": [_essence(one) for one in self.listed(f"onlineEndpoints/{name}/deployments")],
            "models": [_essence(one) for one in self.listed(f"models/{name}/versions")],
            "environments": [_essence(one) for one in self.listed(f"environments/{name}-env/versions")],
            "plans": len(self.listed(f"data/aml-deploy-plan-{name}/versions")),
            "codes": len(self.listed("codes/any/versions", hash=code_hash, hashVersion="202208")),
        }
        return dict(_replaced(_replaced(made, name, "NAME"), self._origin, "https://ORIGIN"))


def _essence(body: dict[str, Any]) -> dict[str, Any]:
    """A resource without what differs from one time to another: times, generated ids, which run it was."""
    properties = dict(body.get("properties") or {})
    for key in ("creationContext", "properties", "codeConfiguration", "tags", "modelUri", "systemData"):
        properties.pop(key, None)
    tags = body.get("tags") or (body.get("properties") or {}).get("tags") or {}
    return {
        "id": body["id"],
        "capacity": (body.get("sku") or {}).get("capacity"),
        "tags": {key: value for key, value in tags.items() if key not in RUNS_OWN_TAGS},
        "properties": properties,
    }


def _replaced(value: Any, name: str, by: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, name, by) for key, item in value.items() if key != "aml-deploy-content"}
    if isinstance(value, list):
        return [_replaced(item, name, by) for item in value]
    return value.replace(name, by) if isinstance(value, str) else value
