"""Refuses, by name, the operations of Azure Machine Learning that the rehearsal does not offer.

The names are from Microsoft's API description 2024-04-01, so that the error names the operation.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION, WORKSPACE

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
_COMPUTE = f"{WORKSPACE}/computes/{{compute}}"
_SUBSCRIPTION = f"/subscriptions/{{subscription}}/providers/{PROVIDER}"

# Path, and the operation of each method.
_REFUSED: dict[str, dict[str, str]] = {
    WORKSPACE: {"DELETE": "Workspaces_Delete"},
    f"{WORKSPACE}/listKeys": {"POST": "Workspaces_ListKeys"},
    f"{WORKSPACE}/resyncKeys": {"POST": "Workspaces_ResyncKeys"},
    f"{WORKSPACE}/listNotebookAccessToken": {"POST": "Workspaces_ListNotebookAccessToken"},
    f"{WORKSPACE}/listNotebookKeys": {"POST": "Workspaces_ListNotebookKeys"},
    f"{WORKSPACE}/prepareNotebook": {"POST": "Workspaces_PrepareNotebook"},
    f"{WORKSPACE}/listStorageAccountKeys": {"POST": "Workspaces_ListStorageAccountKeys"},
    f"{WORKSPACE}/outboundNetworkDependenciesEndpoints": {"GET": "Workspaces_ListOutboundNetworkDependenciesEndpoints"},
    f"{WORKSPACE}/features": {"GET": "WorkspaceFeatures_List"},
    f"{WORKSPACE}/privateEndpointConnections/{{connection}}": {
        "PUT": "PrivateEndpointConnections_CreateOrUpdate",
        "DELETE": "PrivateEndpointConnections_Delete",
    },
    f"{WORKSPACE}/datastores/{{datastore}}": {"PUT": "Datastores_CreateOrUpdate", "DELETE": "Datastores_Delete"},
    f"{WORKSPACE}/models/{{name}}/versions/{{version}}/package": {"POST": "ModelVersions_Package"},
    _COMPUTE: {"PUT": "Compute_CreateOrUpdate", "PATCH": "Compute_Update", "DELETE": "Compute_Delete"},
    f"{_COMPUTE}/listNodes": {"POST": "Compute_ListNodes"},
    f"{_COMPUTE}/listKeys": {"POST": "Compute_ListKeys"},
    f"{_COMPUTE}/start": {"POST": "Compute_Start"},
    f"{_COMPUTE}/stop": {"POST": "Compute_Stop"},
    f"{_COMPUTE}/restart": {"POST": "Compute_Restart"},
    f"{REGION}/updateQuotas": {"POST": "Quotas_Update"},
    f"{_GROUP}/registries": {"GET": "Registries_List"},
    f"{_GROUP}/registries/{{registry}}": {
        "GET": "Registries_Get",
        "PUT": "Registries_CreateOrUpdate",
        "PATCH": "Registries_Update",
        "DELETE": "Registries_Delete",
    },
    f"{_SUBSCRIPTION}/registries": {"GET": "Registries_ListBySubscription"},
}

# Whole groups: the collection, its items, and everything below them.
_GROUPS = {
    "batchEndpoints": "BatchEndpoints",
    "components": "ComponentContainers",
    "connections": "WorkspaceConnections",
    "featuresets": "FeaturesetContainers",
    "featurestoreEntities": "FeaturestoreEntityContainers",
    "jobs": "Jobs",
    "marketplaceSubscriptions": "MarketplaceSubscriptions",
    "schedules": "Schedules",
    "serverlessEndpoints": "ServerlessEndpoints",
}
_VERBS = {"GET": "Get", "PUT": "CreateOrUpdate", "PATCH": "Update", "DELETE": "Delete", "POST": "Post"}


async def _refuse(call: Call, operation: str) -> web.StreamResponse:
    raise ArmError(
        501,
        "NotImplemented",
        f"The rehearsal does not offer {operation}. It covers managed online endpoints and their assets; on Azure this "
        "operation exists.",
    )


def _routes() -> Iterator[tuple[str, str, str]]:
    """Method, path and operation of all refused routes."""
    for path, methods in _REFUSED.items():
        yield from ((method, path, operation) for method, operation in methods.items())
    for name, operations in _GROUPS.items():
        collection = f"{WORKSPACE}/{name}"
        yield "GET", collection, f"{operations}_List"
        for method, verb in _VERBS.items():
            yield method, f"{collection}/{{item}}", f"{operations}_{verb}"
            for below in ("{part}", "{part}/{subitem}", "{part}/{subitem}/{action}"):
                yield method, f"{collection}/{{item}}/{below}", f"{operations}_{verb} below an item"


ROUTES: list[Route] = [
    (method, path, functools.partial(_refuse, operation=operation)) for method, path, operation in _routes()
]
