"""Operations of Azure Machine Learning that a local stand-in cannot do: refused by name, never pretended.

The names are those of Microsoft's API description 2024-04-01; a client learns from the answer what it asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError
from tui.rehearsal.arm.front import Call, Routes
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION, WORKSPACE

_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
_COMPUTE = f"{WORKSPACE}/computes/{{compute}}"
_SUBSCRIPTION = f"/subscriptions/{{subscription}}/providers/{PROVIDER}"

# Path, and the operation that each method stands for.
_REFUSED: dict[str, dict[str, str]] = {
    WORKSPACE: {
        "PUT": "Workspaces_CreateOrUpdate",
        "PATCH": "Workspaces_Update",
        "DELETE": "Workspaces_Delete",
    },
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
    f"{WORKSPACE}/outboundRules/{{rule}}": {
        "PUT": "ManagedNetworkSettingsRule_CreateOrUpdate",
        "DELETE": "ManagedNetworkSettingsRule_Delete",
    },
    f"{WORKSPACE}/datastores/{{datastore}}": {
        "PUT": "Datastores_CreateOrUpdate",
        "DELETE": "Datastores_Delete",
    },
    f"{WORKSPACE}/models/{{name}}/versions/{{version}}/package": {"POST": "ModelVersions_Package"},
    _COMPUTE: {
        "PUT": "Compute_CreateOrUpdate",
        "PATCH": "Compute_Update",
        "DELETE": "Compute_Delete",
    },
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

# Whole groups: the collection, its items, and what is below them.
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


def _refuse(operation: str) -> Callable[[Call], Awaitable[web.StreamResponse]]:
    async def handle(call: Call) -> web.StreamResponse:
        raise ArmError(
            501,
            "NotImplemented",
            f"The rehearsal does not offer {operation}. It stands in for managed online endpoints and what they are "
            "made of; on Azure this operation exists.",
        )

    return handle


def add_routes(routes: Routes) -> None:
    """Adds the paths of this module."""
    for path, methods in _REFUSED.items():
        for method, operation in methods.items():
            routes.add(method, path, _refuse(operation))
    for name, operations in _GROUPS.items():
        routes.add("GET", f"{WORKSPACE}/{name}", _refuse(f"{operations}_List"))
        for method, verb in _VERBS.items():
            path = f"{WORKSPACE}/{name}/{{item}}"
            routes.add(method, path, _refuse(f"{operations}_{verb}"))
            for below in ("{part}", "{part}/{subitem}", "{part}/{subitem}/{action}"):
                routes.add(method, f"{path}/{below}", _refuse(f"{operations}_{verb} below an item"))
