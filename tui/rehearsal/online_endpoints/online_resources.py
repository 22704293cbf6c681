"""The common part of endpoints and deployments: background operations and their addresses."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Callable

from aiohttp import web

from tui.rehearsal.arm import operation_routes
from tui.rehearsal.arm.front import Call
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

Work = Callable[[Service, str, str], Awaitable[None]]


def begin(call: Call, workspace: Workspace, resource: Resource, kind: str, verb: str, work: Work) -> str:
    """Store a resource and start the operation that changes it; return the operation's path.

    `kind` is the prefix of the operation's name; `work` receives the resource's id and the verb, and raises
    OperationFailed. The resource's properties contain the operation's address (recorded).
    """
    return begin_by(call.service, call.api_version, workspace, resource, kind, verb, work)


def begin_by(
    service: Service, api_version: str, workspace: Workspace, resource: Resource, kind: str, verb: str, work: Work
) -> str:
    """Do the same for a change that no request asks for."""
    path = service.operations.begin(
        kind,
        subscription=workspace.subscription_id,
        location=workspace.location,
        workspace_guid=workspace.guid,
        resource=resource.id,
        verb=verb,
        work=lambda: work(service, resource.id, verb),
        failed=lambda: mark_failed(service, resource.id),
    )
    address = operation_routes.operation_url(service.origin, path, api_version)
    resource.properties["properties"]["AzureAsyncOperationUri"] = address
    service.store.put(resource)
    return path


def mark_failed(service: Service, resource_id: str) -> None:
    """Mark an endpoint or deployment as Failed."""
    resource = service.store.get(resource_id)
    if resource is not None:
        resource.properties["provisioningState"] = "Failed"
        service.store.put(resource)


def accepted(call: Call, workspace: Workspace, resource: Resource, kind: str, verb: str, work: Work) -> web.Response:
    """Start an operation and return 202 with its address."""
    path = begin(call, workspace, resource, kind, verb, work)
    return web.Response(status=202, headers=operation_routes.accepted(call, path))


def rendered(service: Service, resource: Resource) -> dict[str, Any]:
    """An endpoint or deployment as clients see it, with the current port in its operation's address."""
    own = resource.properties["properties"]
    address = own.get("AzureAsyncOperationUri")
    if address:
        own["AzureAsyncOperationUri"] = service.origin + address[address.find("/subscriptions/") :]
    return resource.body
