"""Deployments of managed online endpoints: create, change, read, delete, logs and sizes of scale."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal import capacity, operations, rules
from tui.rehearsal.arm import PROVIDER, Call, Fields, Routes, page
from tui.rehearsal.assets import system_data
from tui.rehearsal.endpoints import ENDPOINT, choice, deployments_of, find_endpoint
from tui.rehearsal.errors import ArmError, resource_not_found, user_error
from tui.rehearsal.operations import OperationFailed
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource
from tui.rehearsal.workspaces import Workspace, workspace_of

KIND = "deployments"
TYPE = f"{PROVIDER}/workspaces/onlineEndpoints/deployments"
DEPLOYMENT = f"{ENDPOINT}/deployments/{{deployment}}"
# Where things lie in a container of the service (recorded in environmentVariables of a finished deployment).
APP_ROOT = "/var/azureml-app"
PAGE = 100
_PROBE = {"initialDelay": 10.0, "period": 10.0, "timeout": 2.0}


def _deployment_id(endpoint: Resource, name: str) -> str:
    return f"{endpoint.body['id']}/deployments/{name}"


def _find(call: Call, workspace: Workspace) -> tuple[Resource, Resource]:
    endpoint = find_endpoint(call, workspace)
    found = call.service.store.get(_deployment_id(endpoint, call["deployment"]))
    if found is None:
        name = f"{workspace.name}/{endpoint.name}/{call['deployment']}"
        raise resource_not_found(TYPE, name, workspace.resource_group)
    return endpoint, found


def rendered(service: Service, deployment: Resource) -> dict[str, Any]:
    """The deployment as clients see it."""
    own = deployment.properties["properties"]
    address = own.get("AzureAsyncOperationUri")
    if address:
        own["AzureAsyncOperationUri"] = service.origin + address[address.find("/subscriptions/") :]
    return deployment.body


def _probe(fields: Fields, name: str, before: dict[str, Any] | None) -> dict[str, Any]:
    if fields.raw(name) is None and before:
        return before
    given = fields.object(name)
    probe: dict[str, Any] = {
        "failureThreshold": given.integer("failureThreshold", 30),
        "successThreshold": given.integer("successThreshold", 1),
    }
    for member in ("timeout", "period", "initialDelay"):
        value = rules.seconds(given.raw(member), f"{name}.{member}", _PROBE[member])
        if member != "initialDelay" and value < 1:
            raise user_error(f"{name}.{member} must be at least one second.", "eastus")
        probe[member] = rules.duration(value)
    for member in ("failureThreshold", "successThreshold"):
        if not 1 <= probe[member] <= 10_000:
            raise user_error(f"{name}.{member} must be at least 1.", "eastus")
    return probe


def _request_settings(workspace: Workspace, fields: Fields) -> dict[str, Any]:
    given = fields.object("requestSettings")
    timeout = rules.seconds(given.raw("requestTimeout"), "requestSettings.requestTimeout", 5.0)
    if not 0 < timeout <= rules.MAX_REQUEST_SECONDS:
        raise user_error(
            f"requestSettings.requestTimeout must be at most {rules.MAX_REQUEST_SECONDS} seconds and more than 0.",
            workspace.location,
        )
    concurrent = given.integer("maxConcurrentRequestsPerInstance", 1)
    if not 1 <= concurrent <= 10_000:
        raise user_error("requestSettings.maxConcurrentRequestsPerInstance must be at least 1.", workspace.location)
    wait = rules.seconds(given.raw("maxQueueWait"), "requestSettings.maxQueueWait", 0.0)
    return {
        "maxQueueWait": rules.duration(wait),
        "requestTimeout": rules.duration(timeout),
        "maxConcurrentRequestsPerInstance": concurrent,
    }


def _asset(call: Call, workspace: Workspace, value: str | None, kind: str, what: str) -> Resource | None:
    """The asset that a property names, which must be in this workspace. Raises ArmError."""
    if not value:
        return None
    text = value[len("azureml:") :] if value.startswith("azureml:/") and not value.startswith("azureml://") else value
    if text.startswith("azureml://registries/"):
        raise user_error(
            f"{what} '{value[:200]}' is in a registry. The rehearsal has no registries; register it in the workspace.",
            workspace.location,
            code="BadArgument",
        )
    found = call.service.store.get(text)
    if found is None or found.kind != kind or not found.id.startswith(workspace.id.lower() + "/"):
        raise user_error(
            f"{what} '{value[:300]}' was not found in the workspace {workspace.name}.",
            workspace.location,
            code="BadArgument",
        )
    return found


def _capacity(call: Call, workspace: Workspace, before: Resource | None) -> int:
    count = call.body.object("sku").integer("capacity", before.body["sku"]["capacity"] if before else 1)
    if not 1 <= count <= rules.MAX_INSTANCES:
        raise user_error(
            f"The number of instances is {count}; it must be between 1 and {rules.MAX_INSTANCES}.",
            workspace.location,
        )
    return count


def _size(workspace: Workspace, name: str | None) -> capacity.Size:
    size = capacity.sizes().get((name or "").lower())
    if size is None:
        raise user_error(
            f"The instance type '{(name or '')[:80]}' is not available for managed online endpoints in the region "
            f"{workspace.location}.",
            workspace.location,
            code="BadArgument",
        )
    return size


def _properties(call: Call, workspace: Workspace, endpoint: Resource, before: Resource | None) -> dict[str, Any]:
    fields = call.body.object("properties")
    compute = choice(
        fields.text("endpointComputeType"),
        {"managed": "Managed", "kubernetes": "Kubernetes", "azuremlcompute": "AzureMLCompute"},
        "endpointComputeType",
        "Managed",
    )
    if compute != "Managed":
        raise user_error(
            f"The rehearsal has managed compute only, not {compute}.", workspace.location, code="BadArgument"
        )
    scale = fields.object("scaleSettings").text("scaleType", "Default")
    if (scale or "").lower() != "default":
        raise user_error(
            "Managed online deployments take the scale type Default.", workspace.location, code="BadArgument"
        )
    code_fields = fields.object("codeConfiguration")
    code = _asset(call, workspace, code_fields.text("codeId"), "codes", "The code")
    script = code_fields.text("scoringScript")
    if code is not None and not script:
        raise user_error(
            "codeConfiguration.scoringScript is required with codeConfiguration.codeId.", workspace.location
        )
    model = _asset(call, workspace, fields.text("model"), "models", "The model")
    environment = _asset(call, workspace, fields.text("environmentId"), "environments", "The environment")
    mlflow = model is not None and "mlflow" in str(model.properties.get("modelType", "")).lower()
    if environment is None and not (mlflow and code is None):
        raise user_error(
            "The deployment needs an environment; only an MLflow model without code can do without.",
            workspace.location,
            code="BadArgument",
        )
    size = _size(workspace, fields.text("instanceType") or (before.properties["instanceType"] if before else None))
    egress = choice(
        fields.text("egressPublicNetworkAccess"),
        {"enabled": "Enabled", "disabled": "Disabled"},
        "egressPublicNetworkAccess",
        before.properties["egressPublicNetworkAccess"] if before else "Enabled",
    )
    rules.check_network(
        managed_network=workspace.has_managed_network,
        egress=egress,
        mlflow_without_code=mlflow and code is None,
        before=before.properties["egressPublicNetworkAccess"] if before else None,
    )
    return {
        "description": fields.text("description"),
        "properties": fields.texts("properties"),
        "codeConfiguration": {"codeId": code.body["id"], "scoringScript": script} if code else None,
        "environmentId": environment.body["id"] if environment else None,
        "environmentVariables": fields.texts("environmentVariables"),
        "scaleSettings": {"scaleType": "Default"},
        "requestSettings": _request_settings(workspace, fields),
        "modelMountPath": fields.text("modelMountPath"),
        "appInsightsEnabled": fields.boolean("appInsightsEnabled"),
        "livenessProbe": _probe(fields, "livenessProbe", None),
        "readinessProbe": _probe(fields, "readinessProbe", None),
        "provisioningState": "Updating" if before else "Creating",
        # The client's spelling comes back, as in recordings.
        "instanceType": fields.text("instanceType") or size.name,
        "model": model.body["id"] if model else None,
        "egressPublicNetworkAccess": egress,
        "dataCollector": fields.raw("dataCollector"),
        "endpointComputeType": "Managed",
    }


def _begin(call: Call, workspace: Workspace, deployment: Resource, verb: str) -> str:
    path = call.service.operations.begin(
        operations.DEPLOYMENT,
        subscription=workspace.subscription_id,
        location=workspace.location,
        workspace_guid=workspace.guid,
        resource=deployment.id,
        verb=verb,
        work=lambda: work(call.service, deployment.id, verb),
        failed=lambda failure: mark_failed(call.service, deployment.id),
    )
    deployment.properties["properties"]["AzureAsyncOperationUri"] = operations.operation_url(call, path)
    call.service.store.put(deployment)
    return path


async def work(service: Service, resource_id: str, verb: str) -> None:
    """What a deployment's operation does in the background. Raises OperationFailed."""
    if verb == "delete":
        await service.fleet.remove(resource_id)
        service.store.delete(resource_id)
        return
    variables = await service.fleet.provision(resource_id)
    deployment = service.store.get(resource_id)
    if deployment is None:
        raise OperationFailed("ResourceNotFound", "The deployment was deleted.")
    deployment.properties["environmentVariables"].update(variables)
    deployment.properties["provisioningState"] = "Succeeded"
    service.store.put(deployment)


def mark_failed(service: Service, resource_id: str) -> None:
    """Marks a deployment whose operation failed."""
    deployment = service.store.get(resource_id)
    if deployment is not None:
        deployment.properties["provisioningState"] = "Failed"
        service.store.put(deployment)


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
        if not call.body.text("location"):
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    else:
        rules.require_settled("deployment", before.name, before.properties["provisioningState"])
    properties = _properties(call, workspace, endpoint, before)
    count = _capacity(call, workspace, before)
    resource_id = before.body["id"] if before else _deployment_id(endpoint, call["deployment"])
    size = _size(workspace, properties["instanceType"])
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
    path = _begin(call, workspace, deployment, "write")
    headers = operations.created(call, path)
    return web.json_response(rendered(call.service, deployment), status=200 if before else 201, headers=headers)


async def patch(call: Call) -> web.Response:
    """`PATCH` of a deployment: tags and number of instances, 202 with `Location`."""
    workspace = workspace_of(call)
    endpoint, deployment = _find(call, workspace)
    rules.require_settled("endpoint", endpoint.name, endpoint.properties["provisioningState"])
    rules.require_settled("deployment", deployment.name, deployment.properties["provisioningState"])
    if "tags" in call.body:
        deployment.body["tags"] = call.body.texts("tags")
    count = _capacity(call, workspace, deployment)
    if count != deployment.body["sku"]["capacity"]:
        size = _size(workspace, deployment.properties["instanceType"])
        capacity.require_quota(call.service, workspace.subscription_id, deployment.body["id"], size, count)
        deployment.body["sku"]["capacity"] = count
        deployment.internal["generation"] = int(deployment.internal.get("generation", 0)) + 1
    deployment.properties["provisioningState"] = "Updating"
    deployment.body["systemData"] = system_data(call, deployment.body["systemData"])
    path = _begin(call, workspace, deployment, "write")
    return web.Response(status=202, headers=operations.accepted(call, path))


async def read(call: Call) -> web.Response:
    """`GET` of a deployment."""
    return web.json_response(rendered(call.service, _find(call, workspace_of(call))[1]))


async def list_all(call: Call) -> web.Response:
    """`GET` of an endpoint's deployments."""
    endpoint = find_endpoint(call, workspace_of(call))
    return page(call, [rendered(call.service, item) for item in deployments_of(call.service, endpoint)], PAGE)


async def delete(call: Call) -> web.Response:
    """`DELETE` of a deployment: 202 with `Location`; refused while it has traffic; 204 when there is none."""
    workspace = workspace_of(call)
    endpoint = find_endpoint(call, workspace)
    deployment = call.service.store.get(_deployment_id(endpoint, call["deployment"]))
    if deployment is None:
        return web.Response(status=204)
    share = endpoint.properties["traffic"].get(deployment.name) or endpoint.properties["mirrorTraffic"].get(
        deployment.name
    )
    if share:
        raise user_error(
            f"The deployment '{deployment.name}' cannot be deleted while it receives traffic ({share} percent). Set "
            "its traffic to 0 first.",
            workspace.location,
        )
    state = deployment.properties["provisioningState"]
    if state == "Deleting":
        rules.require_settled("deployment", deployment.name, state)
    # A deployment that is being made may be deleted: what is under way for it ends first.
    await call.service.operations.cancel(deployment.id)
    current = call.service.store.get(deployment.id)
    if current is None:
        return web.Response(status=204)
    current.properties["provisioningState"] = "Deleting"
    path = _begin(call, workspace, current, "delete")
    return web.Response(status=202, headers=operations.accepted(call, path))


async def get_logs(call: Call) -> web.Response:
    """`POST …/getLogs`: `containerType` and `tail`.

    Departs from Azure while an image is built or when its build failed: then the last lines of the build are
    answered, where Azure says to try again later (its build log is in the workspace's storage only).
    """
    _, deployment = _find(call, workspace_of(call))
    container = choice(
        call.body.text("containerType"),
        {"inferenceserver": "InferenceServer", "storageinitializer": "StorageInitializer"},
        "containerType",
        "InferenceServer",
    )
    lines = min(max(call.body.integer("tail", 100), 0), 100_000)
    return web.json_response({"content": call.service.fleet.log_text(deployment, container, lines)})


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


def add_routes(routes: Routes) -> None:
    """Adds the paths of this module."""
    routes.add("GET", f"{ENDPOINT}/deployments", list_all)
    for method, handler in (("GET", read), ("PUT", write), ("PATCH", patch), ("DELETE", delete)):
        routes.add(method, DEPLOYMENT, handler)
    routes.add("POST", f"{DEPLOYMENT}/getLogs", get_logs)
    routes.add("GET", f"{DEPLOYMENT}/skus", list_skus)
