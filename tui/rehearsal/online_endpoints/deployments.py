"""Handlers for deployments of managed online endpoints: create, change, read, delete, logs and SKUs."""

from __future__ import annotations

import time

from aiohttp import web

from tui.rehearsal.arm import capacity, operation_routes, operations
from tui.rehearsal.arm.assets import system_data
from tui.rehearsal.arm.errors import ArmError, additional_info, resource_not_found, user_error
from tui.rehearsal.arm.front import Call, Route, page
from tui.rehearsal.arm.listing import ordered, top
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.resource_paths import DEPLOYMENT, ENDPOINT, PROVIDER
from tui.rehearsal.arm.workspace_routes import is_provisioned, workspace_of
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.online_endpoints import rules
from tui.rehearsal.online_endpoints.deployment_properties import instances, properties_of, size_of
from tui.rehearsal.online_endpoints.endpoints import deployments_of, find_endpoint
from tui.rehearsal.online_endpoints.online_resources import accepted, begin, mark_failed, rendered
from tui.rehearsal.online_endpoints.rules import choice
from tui.rehearsal.pace import DELETE_SECONDS, SCALE_SECONDS
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

KIND = "deployments"
TYPE = f"{PROVIDER}/workspaces/onlineEndpoints/deployments"
PAGE = 100
SCALE = "scale"
"""The verb of an operation that changes the number of instances, while the others serve."""


def _deployment_id(endpoint: Resource, name: str) -> str:
    return f"{endpoint.body['id']}/deployments/{name}"


def _find(call: Call, workspace: Workspace) -> tuple[Resource, Resource]:
    endpoint = find_endpoint(call, workspace)
    found = call.service.store.get(_deployment_id(endpoint, call["deployment"]))
    if found is None:
        name = f"{workspace.name}/{endpoint.name}/{call['deployment']}"
        raise resource_not_found(TYPE, name, workspace.resource_group)
    return endpoint, found


def _accepted(call: Call, workspace: Workspace, deployment: Resource, verb: str) -> web.Response:
    return accepted(call, workspace, deployment, operations.DEPLOYMENT, verb, work)


async def work(service: Service, resource_id: str, verb: str) -> None:
    """Execute a deployment's operation in the background. Raises OperationFailed."""
    if verb == "delete":
        await service.pace.until(time.monotonic(), DELETE_SECONDS)
        await service.running_deployments.remove(resource_id)
        _forget_traffic(service, resource_id)
        service.store.delete(resource_id)
        return
    before = service.store.get(resource_id)
    if before is not None:
        _require_network(service, before)
    variables: dict[str, str] = {}
    if verb == SCALE:
        await service.pace.until(time.monotonic(), SCALE_SECONDS)
        await service.running_deployments.scale(resource_id)
    else:
        variables = await service.running_deployments.provision(resource_id)
    deployment = service.store.get(resource_id)
    if deployment is None:
        raise OperationFailed("ResourceNotFound", "The deployment was deleted.")
    deployment.properties["environmentVariables"].update(variables)
    deployment.properties["provisioningState"] = "Succeeded"
    service.store.put(deployment)


def _forget_traffic(service: Service, resource_id: str) -> None:
    """Remove a deleted deployment's share of 0, so that a client can send back what it read."""
    deployment = service.store.get(resource_id)
    endpoint = service.store.get(deployment.parent) if deployment else None
    if deployment is None or endpoint is None:
        return
    for shares in (endpoint.properties["traffic"], endpoint.properties["mirrorTraffic"]):
        shares.pop(deployment.name, None)
    service.store.put(endpoint)


def _require_network(service: Service, deployment: Resource) -> None:
    """The managed virtual network must be provisioned (documented). Raises OperationFailed."""
    workspace = service.workspaces.of(deployment.body["id"])
    if not is_provisioned(service, workspace):
        failure = FAILURES["managed-network-not-ready"]
        raise OperationFailed(failure.code, failure.message, additional=additional_info(workspace.location))


async def write(call: Call) -> web.Response:
    """`PUT` of a deployment: 201 for a new one, 200 for a change, both with an operation (recorded)."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    before = call.service.store.get(_deployment_id(endpoint, call["deployment"]))
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    if before is None:
        rules.check_name(call["deployment"], "deployment")
        if len(deployments_of(call.service, endpoint)) >= rules.MAX_DEPLOYMENTS:
            raise rules.limit_reached("deployments of an endpoint", rules.MAX_DEPLOYMENTS)
        below = f"/subscriptions/{workspace.subscription_id}/".lower()
        used = sum(key.startswith(below) for key in call.service.store.ids(KIND))
        if used >= rules.MAX_DEPLOYMENTS_IN_SUBSCRIPTION:
            raise rules.limit_reached("deployments in a subscription", rules.MAX_DEPLOYMENTS_IN_SUBSCRIPTION)
        if not call.body.text("location"):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    else:
        rules.require_settled("deployment", before.name, before.properties["provisioningState"])
    properties = properties_of(call, workspace, before)
    count = instances(call, workspace, before)
    resource_id = before.body["id"] if before else _deployment_id(endpoint, call["deployment"])
    size = size_of(workspace, properties["instanceType"])
    capacity.require_quota(call.service, workspace.subscription_id, resource_id, size, count)
    body = {
        "id": resource_id,
        "name": before.name if before else call["deployment"],
        "type": TYPE,
        "properties": properties,
        "systemData": system_data(call, before.body["systemData"] if before else None),
        "tags": call.body.texts("tags"),
        "location": workspace.location,
        "kind": "Managed",
        "sku": {"name": "Default", "tier": "Standard", "capacity": count},
    }
    deployment = Resource(resource_id, KIND, endpoint.body["id"], body, before.internal if before else {})
    deployment.internal["generation"] = int(deployment.internal.get("generation", 0)) + 1
    path = begin(call, workspace, deployment, operations.DEPLOYMENT, "write", work)
    headers = operation_routes.created(call, path)
    return web.json_response(rendered(call.service, deployment), status=200 if before else 201, headers=headers)


async def patch(call: Call) -> web.Response:
    """`PATCH` of a deployment: tags and number of instances, 202 with `Location`."""
    workspace = workspace_of(call)
    endpoint, deployment = _find(call, workspace)
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    rules.require_settled("deployment", deployment.name, deployment.properties["provisioningState"])
    if "tags" in call.body:
        deployment.body["tags"] = call.body.texts("tags")
    count = instances(call, workspace, deployment)
    deployment.body["systemData"] = system_data(call, deployment.body["systemData"])
    verb = "write"
    if count != deployment.body["sku"]["capacity"]:
        verb = SCALE if deployment.properties["provisioningState"] == "Succeeded" else verb
        resize(call.service, workspace, deployment, count)
    deployment.properties["provisioningState"] = "Updating"
    return _accepted(call, workspace, deployment, verb)


def resize(service: Service, workspace: Workspace, deployment: Resource, count: int) -> None:
    """Let a deployment have `count` instances; the operation SCALE then makes them. Raises ArmError for the quota."""
    size = size_of(workspace, deployment.properties["instanceType"])
    capacity.require_quota(service, workspace.subscription_id, deployment.body["id"], size, count)
    deployment.body["sku"]["capacity"] = count
    deployment.properties["provisioningState"] = "Updating"


async def read(call: Call) -> web.Response:
    """`GET` of a deployment."""
    return web.json_response(rendered(call.service, _find(call, workspace_of(call))[1]))


async def list_all(call: Call) -> web.Response:
    """`GET` of an endpoint's deployments; `orderBy`, `$top`."""
    endpoint = find_endpoint(call, workspace_of(call))
    found = top(call, ordered(call, deployments_of(call.service, endpoint)))
    return page(call, [rendered(call.service, item) for item in found], PAGE)


def _require_no_traffic(workspace: Workspace, endpoint: Resource, deployment: Resource) -> None:
    properties = endpoint.properties
    share = properties["traffic"].get(deployment.name) or properties["mirrorTraffic"].get(deployment.name)
    if share:
        raise user_error(
            f"The deployment '{deployment.name}' cannot be deleted while it receives traffic ({share} percent). Set "
            "its traffic to 0 first.",
            workspace.location,
        )


async def delete(call: Call) -> web.Response:
    """`DELETE` of a deployment: 202 with `Location`; refused while it has traffic; 204 if it does not exist."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    deployment = call.service.store.get(_deployment_id(endpoint, call["deployment"]))
    if deployment is None:
        return web.Response(status=204)
    _require_no_traffic(workspace, endpoint, deployment)
    state = deployment.properties["provisioningState"]
    if state == "Deleting":
        rules.require_settled("deployment", deployment.name, state)
    # A deployment that is being created can be deleted: its operation is ended first.
    await call.service.operations.cancel(deployment.id)
    current = call.service.store.get(deployment.id)
    # In the meantime another client may have deleted it, or given it traffic.
    if current is None:
        return web.Response(status=204)
    try:
        _require_no_traffic(workspace, find_endpoint(call, workspace), current)
    except ArmError:
        if current.properties["provisioningState"] in ("Creating", "Updating"):
            mark_failed(call.service, current.id)
        raise
    if current.properties["provisioningState"] == "Deleting":
        rules.require_settled("deployment", current.name, "Deleting")
    current.properties["provisioningState"] = "Deleting"
    return _accepted(call, workspace, current, "delete")


async def get_logs(call: Call) -> web.Response:
    """`POST …/getLogs`: `containerType` and `tail`.

    Differs from Azure during an image build or after a failed one: then the last lines of the build are
    returned, while Azure says to try again later (its build log is only in the workspace's storage).
    """
    _, deployment = _find(call, workspace_of(call))
    container = choice(
        call.body.text("containerType"),
        {"inferenceserver": "InferenceServer", "storageinitializer": "StorageInitializer"},
        "containerType",
        "InferenceServer",
    )
    lines = min(max(call.body.integer("tail", 100), 0), 100_000)
    return web.json_response({"content": call.service.running_deployments.log_text(deployment, container, lines)})


async def list_skus(call: Call) -> web.Response:
    """`GET …/skus` (recorded)."""
    _, deployment = _find(call, workspace_of(call))
    return page(
        call,
        [
            {
                "resourceType": "Microsoft.MachineLearning.Services/endpoints/deployments",
                "sku": {"name": "default", "tier": "Standard"},
                "capacity": {
                    "minimum": 1,
                    "maximum": rules.MAX_INSTANCES,
                    "default": deployment.body["sku"]["capacity"],
                    "scaleType": "Automatic",
                },
            }
        ],
    )


ROUTES: list[Route] = [
    ("GET", f"{ENDPOINT}/deployments", list_all),
    ("GET", DEPLOYMENT, read),
    ("PUT", DEPLOYMENT, write),
    ("PATCH", DEPLOYMENT, patch),
    ("DELETE", DEPLOYMENT, delete),
    ("POST", f"{DEPLOYMENT}/getLogs", get_logs),
    ("GET", f"{DEPLOYMENT}/skus", list_skus),
]
