"""Handlers for models, code, environments and data: containers and versions."""

from __future__ import annotations

import functools
import json
import re
import uuid
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any, Callable

from aiohttp import web

from tui.rehearsal.arm.added_assets import FILES
from tui.rehearsal.arm.asset_properties import FIXED, properties_of
from tui.rehearsal.arm.errors import ArmError, timestamp, user_error
from tui.rehearsal.arm.front import Call, Fields, Route, count, page
from tui.rehearsal.arm.listing import holding, top
from tui.rehearsal.arm.resource_paths import PROVIDER, REGISTRY, WORKSPACE
from tui.rehearsal.arm.workspace_routes import workspace_of
from tui.rehearsal.arm.workspaces import Workspace, registry
from tui.rehearsal.blobs import sas
from tui.rehearsal.online_endpoints.rules import choice
from tui.rehearsal.store import Resource

KINDS = ("models", "codes", "environments", "data")
_WORDS = {"models": "Model", "codes": "Code", "environments": "Environment", "data": "Data"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}$")
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,29}$|[0-9a-f-]{36}$|[0-9a-f]{32,64}$")
PAGE = 100
_VIEWS = {name.lower(): name for name in ("ActiveOnly", "ArchivedOnly", "All")}


def holder_of(call: Call) -> Workspace:
    """The workspace or registry in a call's path, with what was added to it. Raises ArmError 404."""
    holder = registry(call["registry"]) if "registry" in call.parameters else workspace_of(call)
    give(call, holder)
    return holder


def give(call: Call, holder: Workspace) -> None:
    """Register what was added since the last call, replacing versions with the same number. Raises ArmError."""
    service = call.service
    for added in service.added.of(holder):
        mark = f"{holder.id}/added/{added['stamp']}"
        if service.store.get(mark) is not None:
            continue
        files = f"{service.blob_origin}/{service.added.take_in(added['stamp'], service.blobs)}"
        service.store.put(Resource(mark, "added", holder.id, {"name": added["stamp"], "properties": {}}))
        body = Fields({"properties": json.loads(json.dumps(added["properties"]).replace(FILES, files))})
        service.store.delete(version_id(holder, added["kind"], added["name"], added["version"]))
        put_version(replace(call, parameters={**call.parameters, **added}, body=body), holder, added["kind"])


def in_registry(call: Call, reference: str, kind: str) -> Resource | None:
    """The version at `azureml://registries/REGISTRY/{kind}/NAME/versions/VERSION` or `/labels/latest`, or None."""
    parts = reference.split("/")
    if len(parts) != 8 or parts[4].lower() != kind:
        return None
    holder = registry(parts[3])
    give(call, holder)
    if (parts[6].lower(), parts[7].lower()) == ("labels", "latest"):
        return next(iter(_versions(call, holder, kind, parts[5])), None)
    return call.service.store.get(reference)


def system_data(call: Call, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The system data of a resource: who created and changed it, and when."""
    now = timestamp()
    created = before or {"createdAt": now, "createdBy": call.caller, "createdByType": "Application"}
    return {
        "createdAt": created["createdAt"],
        "createdBy": created["createdBy"],
        "createdByType": created.get("createdByType", "Application"),
        "lastModifiedAt": now,
        "lastModifiedBy": call.caller,
        "lastModifiedByType": "Application",
    }


def version_id(workspace: Workspace, kind: str, name: str, version: str) -> str:
    """The resource id of a version."""
    return f"{workspace.id}/{kind}/{name}/versions/{version}"


def _missing(workspace: Workspace, kind: str, name: str, version: str | None = None) -> ArmError:
    what = f"{_WORDS[kind]} container with name: {name}"
    if version is not None:
        what = f"{_WORDS[kind]} {name}:{version}"
    return user_error(f"{what} not found.", workspace.location, status=404)


def _rendered(call: Call, resource: Resource) -> dict[str, Any]:
    if uri := resource.properties.get("codeUri"):
        resource.properties["codeUri"] = call.service.at_home(uri)
    if build := resource.properties.get("build"):
        build["contextUri"] = call.service.at_home(build["contextUri"])
    return resource.body


def _versions(call: Call, workspace: Workspace, kind: str, name: str) -> list[Resource]:
    """Versions, newest first."""
    found = call.service.store.children(f"{workspace.id}/{kind}/{name}", kind)
    return sorted(found, key=lambda version: int(version.internal.get("order", 0)), reverse=True)


def _next_version(versions: list[Resource]) -> str:
    numbers = [int(version.name) for version in versions if version.name.isdecimal() and len(version.name) < 10]
    return str(max(numbers, default=0) + 1)


def _container(call: Call, workspace: Workspace, kind: str, name: str) -> dict[str, Any]:
    record = call.service.store.get(f"{workspace.id}/{kind}/{name}")
    if record is None:
        raise _missing(workspace, kind, name)
    versions = _versions(call, workspace, kind, name)
    properties = dict(record.properties)
    properties["latestVersion"] = versions[0].name if versions else None
    properties["nextVersion"] = _next_version(versions)
    if kind == "data":
        properties["dataType"] = versions[0].properties["dataType"] if versions else properties.get("dataType")
    return {**record.body, "properties": properties}


def _ensure_container(call: Call, workspace: Workspace, kind: str, name: str) -> Resource:
    container_id = f"{workspace.id}/{kind}/{name}"
    record = call.service.store.get(container_id)
    if record is None:
        body = {
            "id": container_id,
            "name": name,
            "type": f"{PROVIDER}/workspaces/{kind}",
            "properties": {
                "description": None,
                "tags": {},
                "properties": {},
                "isArchived": False,
                "provisioningState": "Succeeded",
            },
            "systemData": system_data(call),
        }
        record = Resource(container_id, f"{kind}-container", workspace.id, body, {"order": 0})
        call.service.store.put(record)
    return record


async def read_container(call: Call, kind: str) -> web.Response:
    """`GET …/{kind}/{name}`: with `latestVersion` and `nextVersion`."""
    return web.json_response(_container(call, holder_of(call), kind, call["name"]))


async def write_container(call: Call, kind: str) -> web.Response:
    """`PUT …/{kind}/{name}`."""
    workspace = holder_of(call)
    _check_name(workspace, kind, call["name"])
    fields = call.body.object("properties")
    existed = call.service.store.get(f"{workspace.id}/{kind}/{call['name']}") is not None
    record = _ensure_container(call, workspace, kind, call["name"])
    record.properties.update(
        description=fields.text("description"),
        tags=fields.texts("tags"),
        properties=fields.texts("properties"),
        isArchived=fields.boolean("isArchived"),
    )
    if kind == "data":
        record.properties["dataType"] = fields.text("dataType", "uri_folder")
    record.body["systemData"] = system_data(call, record.body["systemData"])
    call.service.store.put(record)
    return web.json_response(_container(call, workspace, kind, call["name"]), status=200 if existed else 201)


def _shown(call: Call, archived: bool) -> bool:
    view = choice(call.query.get("listviewtype"), _VIEWS, "listViewType", "ActiveOnly").lower()
    return view == "all" or archived == (view == "archivedonly")


async def list_containers(call: Call, kind: str) -> web.Response:
    """`GET …/{kind}`."""
    workspace = holder_of(call)
    found = [
        _container(call, workspace, kind, record.name)
        for record in call.service.store.children(workspace.id, f"{kind}-container")
        if _shown(call, bool(record.properties.get("isArchived")))
    ]
    return page(call, found, count(call, PAGE))


async def list_versions(call: Call, kind: str) -> web.Response:
    """`GET …/{kind}/{name}/versions`, newest first; filters, order and pages."""
    workspace = holder_of(call)
    versions = _versions(call, workspace, kind, call["name"])
    wanted = call.query.get("hash")
    if wanted is not None and kind == "codes":
        # The client uses a new random name: any code with this content matches.
        below = f"{workspace.id}/codes/".lower()
        versions = [item for item in call.service.store.of_kind(kind) if item.id.startswith(below)]
        versions = [item for item in versions if item.internal.get("hash") == wanted]
    elif not versions and call.service.store.get(f"{workspace.id}/{kind}/{call['name']}") is None:
        raise _missing(workspace, kind, call["name"])
    if call.query.get("version"):
        versions = [item for item in versions if item.name == call.query["version"]]
    versions = holding(versions, call.query.get("tags", ""), lambda item: item.properties["tags"])
    versions = holding(versions, call.query.get("properties", ""), lambda item: item.properties["properties"])
    if call.query.get("description"):
        versions = [item for item in versions if item.properties["description"] == call.query["description"]]
    versions = [item for item in versions if _shown(call, bool(item.properties.get("isArchived")))]
    if call.query.get("$orderby", "").lower().endswith("asc"):
        versions.reverse()
    offset = call.query.get("offset", "")
    versions = versions[int(offset) if offset.isdecimal() and len(offset) < 10 else 0 :]
    return page(call, [_rendered(call, item) for item in top(call, versions)], PAGE)


async def read_version(call: Call, kind: str) -> web.Response:
    """`GET …/{kind}/{name}/versions/{version}`."""
    workspace = holder_of(call)
    resource = call.service.store.get(version_id(workspace, kind, call["name"], call["version"]))
    if resource is None:
        raise _missing(workspace, kind, call["name"], call["version"])
    if kind == "environments" and _versions(call, workspace, kind, call["name"])[0].name == resource.name:
        resource.properties["properties"].setdefault("azureml.labels", "latest")  # recorded
    return web.json_response(_rendered(call, resource))


def _check_name(workspace: Workspace, kind: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise user_error(
            f"Invalid {_WORDS[kind].lower()} name '{name[:80]}'. Names have 1 to 255 characters: letters, digits, "
            "dots, dashes and underscores, and begin with a letter or digit.",
            workspace.location,
        )


async def write_version(call: Call, kind: str) -> web.Response:
    """`PUT …/{kind}/{name}/versions/{version}`: 201, or 200 for an existing version."""
    resource, existed = put_version(call, holder_of(call), kind)
    return web.json_response(_rendered(call, resource), status=200 if existed else 201)


def put_version(call: Call, workspace: Workspace, kind: str) -> tuple[Resource, bool]:
    """Register a version, and return whether it existed. Raises ArmError."""
    _check_name(workspace, kind, call["name"])
    if not VERSION.fullmatch(call["version"]):
        raise user_error(
            f"Invalid version '{call['version'][:80]}'. Versions have at most 30 characters: letters, digits, dots, "
            "dashes and underscores.",
            workspace.location,
        )
    properties = properties_of(call, workspace, kind)
    resource_id = version_id(workspace, kind, call["name"], call["version"])
    before = call.service.store.get(resource_id)
    if before is not None:
        for name in FIXED[kind]:
            old, new = before.properties.get(name), properties.get(name)
            if name.endswith("Uri"):
                # Folders of data were kept without the slash at the end once.
                old, new = (call.service.at_home(uri or "").rstrip("/") for uri in (old, new))
            elif name == "build":
                old, new = _at_home(call, old), _at_home(call, new)
            if (old or "") != (new or ""):
                raise _changed(workspace, kind, call["name"], call["version"], name)
    container = _ensure_container(call, workspace, kind, call["name"])
    internal = before.internal if before else {}
    if before is None:
        container.internal["order"] = int(container.internal.get("order", 0)) + 1
        call.service.store.put(container)
        internal = {"order": container.internal["order"]}
    if kind == "codes":
        # The SDK sends the content's hash with the code, and searches for it before the next upload.
        internal["hash"] = properties["properties"].get("hash_sha256") or internal.get("hash")
    body = {
        "id": resource_id,
        "name": call["version"],
        "type": f"{PROVIDER}/workspaces/{kind}/versions",
        "properties": properties,
        "systemData": system_data(call, before.body["systemData"] if before else None),
    }
    resource = Resource(resource_id, kind, f"{workspace.id}/{kind}/{call['name']}", body, internal)
    call.service.store.put(resource)
    return resource, before is not None


def _at_home(call: Call, build: dict[str, Any] | None) -> dict[str, Any] | None:
    return {**build, "contextUri": call.service.at_home(build["contextUri"])} if build else None


def _changed(workspace: Workspace, kind: str, name: str, version: str, member: str) -> ArmError:
    if member.endswith("Uri"):
        # The SDK recognises this sentence and explains it.
        return user_error("Asset paths cannot be updated.", workspace.location)
    # 409 makes the SDK try the next version of an environment.
    return user_error(
        f"{_WORDS[kind]} {name}:{version} exists and its {member} cannot be changed; register a new version.",
        workspace.location,
        status=409,
        code="Conflict",
    )


async def delete(call: Call, kind: str) -> web.Response:
    """`DELETE` of a version, or of a container with all its versions: 200, or 204 if it does not exist."""
    resource_id = f"{holder_of(call).id}/{kind}/{call['name']}"
    if "version" in call.parameters:
        resource_id += f"/versions/{call['version']}"
    existed = call.service.store.get(resource_id) is not None
    call.service.store.delete(resource_id)
    return web.Response(status=200 if existed else 204)


async def start_pending_upload(call: Call, kind: str) -> web.Response:
    """`POST …/versions/{version}/startPendingUpload`: a new container and a signature for it."""
    holder_of(call)
    container = f"{kind}-{uuid.uuid4()}"
    call.service.blobs.create_container(container)
    token = sas.make(call.service.seed, container, permissions="racwdl", hours=24)
    uri = f"{call.service.blob_origin}/{container}"
    return web.json_response(
        {
            "pendingUploadId": str(uuid.uuid4()),
            "pendingUploadType": call.body.text("pendingUploadType", "TemporaryBlobReference"),
            "blobReferenceForConsumption": {
                "blobUri": uri,
                "storageAccountArmId": None,
                "credential": {"credentialType": "SAS", "sasUri": f"{uri}?{token}"},
            },
        }
    )


def _routes(kind: str, holder: str) -> list[Route]:
    container, version = f"{holder}/{kind}/{{name}}", f"{holder}/{kind}/{{name}}/versions/{{version}}"

    def route(method: str, path: str, handler: Callable[..., Awaitable[web.Response]]) -> Route:
        return method, path, functools.partial(handler, kind=kind)

    return [
        route("GET", f"{holder}/{kind}", list_containers),
        route("GET", container, read_container),
        route("PUT", container, write_container),
        route("DELETE", container, delete),
        route("GET", f"{container}/versions", list_versions),
        route("GET", version, read_version),
        route("PUT", version, write_version),
        route("DELETE", version, delete),
        *([route("POST", f"{version}/startPendingUpload", start_pending_upload)] if kind != "data" else []),
    ]


ROUTES = [
    *(route for kind in KINDS for route in _routes(kind, WORKSPACE)),
    # The API description calls them RegistryModelVersions_Get and the like.
    *(route for kind in ("models", "environments") for route in _routes(kind, REGISTRY)),
]
