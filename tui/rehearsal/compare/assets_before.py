"""Creates assets in the rehearsal that recorded deployments use and that were registered before the recording."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tui.rehearsal.compare.bindings import CONDA, IMAGE

_WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{resource-group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}"
)


def registered_before(exchanges: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Kind, id and script or type of assets that recorded deployments use and no recorded request registers."""
    made = {_path(item["url"]).lower() for item in exchanges if item["method"] == "PUT"}
    found: dict[str, tuple[str, str, str]] = {}
    for item in exchanges:
        if item["method"] != "PUT" or "/deployments/" not in item["url"]:
            continue
        properties = (item["request"].get("body") or {}).get("properties") or {}
        code = properties.get("codeConfiguration") or {}
        for kind, identifier, more in (
            ("models", properties.get("model"), "custom_model"),
            ("codes", code.get("codeId"), str(code.get("scoringScript") or "score.py")),
            ("environments", properties.get("environmentId"), ""),
        ):
            if isinstance(identifier, str) and identifier.startswith("/subscriptions/"):
                own = identifier.lower().startswith(f"{_WORKSPACE.lower()}/")
                if own and identifier.lower() not in made:
                    found[identifier.lower()] = (kind, identifier, more)
    return list(found.values())


def requests_for(assets: list[tuple[str, str, str]], container: str) -> Iterator[dict[str, Any]]:
    """Requests, in recorded form, that upload and register such assets."""
    blobs = f"https://{{account-1}}.blob.core.windows.net/{container}"
    for number, (kind, identifier, more) in enumerate(assets):
        folder = f"before-{number}"
        if kind == "environments":
            yield _put(identifier, {"image": IMAGE, "condaFile": CONDA})
        elif kind == "codes":
            yield _upload(f"{blobs}/{folder}/{more}")
            yield _put(identifier, {"codeUri": f"{blobs}/{folder}"})
        else:
            yield _upload(f"{blobs}/{folder}/model/content")
            uri = f"azureml://datastores/workspaceblobstore/paths/{folder}/model"
            yield _put(identifier, {"modelType": more, "modelUri": uri})


def _put(identifier: str, properties: dict[str, Any]) -> dict[str, Any]:
    return _managed("PUT", identifier, 201, body={"properties": properties})


def _upload(url: str) -> dict[str, Any]:
    return {
        "service": "storage",
        "method": "PUT",
        "url": url,
        "request": {"headers": {"x-ms-blob-type": "BlockBlob"}, "bytes": 16},
        "response": {"status": 201, "headers": {}},
    }


def default_container() -> dict[str, Any]:
    """The request that returns the container of the default datastore."""
    return _managed("GET", f"{_WORKSPACE}/datastores/workspaceblobstore", 200)


def _managed(method: str, path: str, status: int, **request: Any) -> dict[str, Any]:
    return {
        "service": "resource-manager",
        "method": method,
        "url": f"https://management.azure.com{path}?api-version=2023-04-01",
        "request": {"headers": {}, **request},
        "response": {"status": status, "headers": {}},
    }


def _path(url: str) -> str:
    return "/" + url.partition("?")[0].partition("://")[2].partition("/")[2]
