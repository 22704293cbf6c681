"""What endpoints and deployments have in common: an operation that changes them in the background, and its address."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable

from tui.rehearsal.arm import operation_routes
from tui.rehearsal.arm.front import Call
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

Work = Callable[[Service, str, str], Awaitable[None]]


def begin(call: Call, workspace: Workspace, resource: Resource, kind: str, verb: str, work: Work) -> str:
    """Stores a resource and starts the operation that changes it; returns the operation's path.

    `kind` is what the operation's name begins with; `work` gets the resource's id and the verb, and raises
    OperationFailed. The resource keeps the operation's address among its properties (recorded).
    """
    service = call.service
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
    resource.properties["properties"]["AzureAsyncOperationUri"] = operation_routes.operation_url(call, path)
    service.store.put(resource)
    return path


def mark_failed(service: Service, resource_id: str) -> None:
    """Marks an endpoint or deployment whose operation failed."""
    resource = service.store.get(resource_id)
    if resource is not None:
        resource.properties["provisioningState"] = "Failed"
        service.store.put(resource)


def with_todays_port(service: Service, resource: Resource) -> None:
    """The address of the last operation, which an earlier run of the rehearsal may have begun on another port."""
    own = resource.properties["properties"]
    address = own.get("AzureAsyncOperationUri")
    if address:
        own["AzureAsyncOperationUri"] = service.origin + address[address.find("/subscriptions/") :]
