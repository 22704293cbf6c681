"""Handlers for the datastores of a workspace and their secrets."""

from __future__ import annotations

import base64
from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import user_error
from tui.rehearsal.arm.front import Call, Route, count, page
from tui.rehearsal.arm.resource_paths import PROVIDER, WORKSPACE
from tui.rehearsal.arm.workspace_routes import MADE, workspace_of
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.blobs import sas
from tui.rehearsal.service import Service

PAGE = 100


def _datastore(service: Service, workspace: Workspace, name: str) -> dict[str, Any]:
    blob = {"datastoreType": "AzureBlob", "accountName": service.storage_account}
    files = {"datastoreType": "AzureFile", "accountName": service.storage_account}
    kinds: dict[str, dict[str, Any]] = {
        "workspaceblobstore": {
            **blob,
            "containerName": workspace.blob_container,
            "isDefault": True,
            "subscriptionId": workspace.subscription_id,
            "resourceGroup": workspace.resource_group,
            "serviceDataAccessAuthIdentity": "WorkspaceSystemAssignedIdentity",
        },
        "workspaceartifactstore": {**blob, "containerName": f"azureml-{workspace.guid}"},
        "workspacefilestore": {**files, "fileShareName": f"azureml-filestore-{workspace.guid}"},
        "workspaceworkingdirectory": {
            **files,
            "fileShareName": f"code-{service.seed.guid('working-directory', workspace.guid)}",
        },
    }
    if name.lower() not in kinds:
        raise user_error(f"Could not find datastore with name: {name}.", workspace.location, status=404)
    return {
        "id": f"{workspace.id}/datastores/{name.lower()}",
        "name": name.lower(),
        "type": f"{PROVIDER}/workspaces/datastores",
        "properties": {
            "description": None,
            "tags": None,
            "properties": None,
            "isDefault": False,
            "credentials": {"credentialsType": "None" if workspace.datastore == "identity" else "AccountKey"},
            "subscriptionId": None,
            "resourceGroup": None,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "serviceDataAccessAuthIdentity": "None",
            **kinds[name.lower()],
        },
        "systemData": dict(MADE),
    }


_DATASTORES = ("workspaceblobstore", "workspaceartifactstore", "workspacefilestore", "workspaceworkingdirectory")


async def list_datastores(call: Call) -> web.Response:
    """`GET …/datastores`; `isDefault`, `names` and `searchText` filter, `count` is the page size."""
    workspace = workspace_of(call)
    found = [_datastore(call.service, workspace, name) for name in _DATASTORES]
    if call.query.get("isdefault", "").lower() == "true":
        found = [body for body in found if body["properties"]["isDefault"]]
    names = call.query.get("names")
    if names:
        wanted = {name.strip().lower() for name in names.split(",")}
        found = [body for body in found if body["name"] in wanted]
    search = call.query.get("searchtext", "").lower()
    return page(call, [body for body in found if search in body["name"]], count(call, PAGE))


async def read_datastore(call: Call) -> web.Response:
    """`GET …/datastores/{name}`."""
    return web.json_response(_datastore(call.service, workspace_of(call), call["datastore"]))


async def list_datastore_secrets(call: Call) -> web.Response:
    """`POST …/listSecrets`: the account's key (recorded for a call without a body), or a signature for the account.

    A signature is returned if the client requests a secret that expires; a workspace that was registered with
    the datastore mode `key` returns only the key, one with the mode `identity` nothing.
    """
    workspace = workspace_of(call)
    properties = _datastore(call.service, workspace, call["datastore"])["properties"]
    if properties["credentials"]["credentialsType"] == "None":
        raise user_error(
            f"The datastore {call['datastore'].lower()} has no secrets: its credentials are of the type None, and "
            "access is by the caller's own identity.",
            workspace.location,
        )
    hours = min(max(call.body.integer("expireAfterHours", 1), 1), 7 * 24)
    if workspace.datastore == "key" or not call.body.boolean("expirableSecret"):
        key = base64.b64encode(sas.account_key(call.service.seed)).decode()
        return web.json_response({"secretsType": "AccountKey", "key": key})
    # For the account instead of one container: the SDK also downloads code with it, which is in separate containers.
    token = sas.make_account(call.service.seed, permissions="racwdl", hours=hours)
    return web.json_response({"secretsType": "Sas", "sasToken": token})


ROUTES: list[Route] = [
    ("GET", f"{WORKSPACE}/datastores", list_datastores),
    ("GET", f"{WORKSPACE}/datastores/{{datastore}}", read_datastore),
    ("POST", f"{WORKSPACE}/datastores/{{datastore}}/listSecrets", list_datastore_secrets),
]
