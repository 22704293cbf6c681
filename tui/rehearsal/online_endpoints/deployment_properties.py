"""Validates the properties of a deployment, and completes them with Azure's defaults."""

from __future__ import annotations

from typing import Any

from tui.common.vm_sizes import Size, find
from tui.rehearsal.arm.asset_properties import is_mlflow_model, is_triton_model
from tui.rehearsal.arm.assets import give, in_registry
from tui.rehearsal.arm.errors import user_error
from tui.rehearsal.arm.front import Call, Fields
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.online_endpoints import rules
from tui.rehearsal.online_endpoints.own_containers import CODE
from tui.rehearsal.online_endpoints.rules import choice
from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.store import Resource

_ON_OFF = {"enabled": "Enabled", "disabled": "Disabled"}
_ROLLING = {name.lower(): name for name in ("Year", "Month", "Day", "Hour", "Minute")}
_PROBE = {"initialDelay": 10.0, "period": 10.0, "timeout": 2.0}


def _probe(fields: Fields, name: str) -> dict[str, Any]:
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
    if name == "livenessProbe" and probe["successThreshold"] != 1:
        raise user_error("livenessProbe.successThreshold must be 1.", "eastus")
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


def _data_collector(call: Call, workspace: Workspace, fields: Fields) -> dict[str, Any] | None:
    """The data collector's properties (API description 2024-04-01); nothing is collected here. Raises ArmError."""
    if fields.raw("dataCollector") is None:
        return None
    given = fields.object("dataCollector")
    collections: dict[str, Any] = {}
    for name in given.raw("collections") if isinstance(given.raw("collections"), dict) else ():
        one = given.object("collections").object(name)
        rate = one.raw("samplingRate")
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1):
            raise user_error(f"The samplingRate of {name[:80]} must be between 0 and 1.", workspace.location)
        data = _asset(call, workspace, one.text("dataId"), "data", "The data")
        mode = one.text("dataCollectionMode")
        collections[name] = {
            "clientId": one.text("clientId"),
            "dataCollectionMode": choice(mode, _ON_OFF, "dataCollectionMode", "Disabled"),
            "dataId": data.body["id"] if data else None,
            "samplingRate": 1.0 if rate is None else rate,
        }
    if not collections:
        raise user_error("dataCollector.collections must name at least one collection.", workspace.location)
    rolling = choice(given.text("rollingRate"), _ROLLING, "dataCollector.rollingRate", "Hour")
    headers = given.object("requestLogging").raw("captureHeaders")
    if headers is not None and not (isinstance(headers, list) and all(isinstance(item, str) for item in headers)):
        raise user_error("dataCollector.requestLogging.captureHeaders must be a list of names.", workspace.location)
    logging = {"captureHeaders": headers} if headers is not None else None
    return {"collections": collections, "requestLogging": logging, "rollingRate": rolling}


def _asset(call: Call, workspace: Workspace, value: str | None, kind: str, what: str) -> Resource | None:
    """The asset named by a property, which must be in this workspace or in a registry. Raises ArmError.

    Microsoft documents what becomes of a model of another workspace.
    """
    if not value:
        return None
    text = value[len("azureml:") :] if value.startswith("azureml:/") and not value.startswith("azureml://") else value
    if text.startswith("azureml://registries/"):
        shared = in_registry(call, text, kind)
        if shared is None:
            raise user_error(
                f"The rehearsal's registries do not hold '{text[:300]}'; add it with aml-deploy rehearsal add.",
                workspace.location,
                code=CODE,
            )
        return shared
    found = call.service.store.get(text)
    if found is not None and found.kind == kind == "models" and not found.id.startswith(workspace.id.lower() + "/"):
        raise user_error(FAILURES["model-download"].message, workspace.location, code="BadArgument")
    if found is None or found.kind != kind or not found.id.startswith(workspace.id.lower() + "/"):
        raise user_error(
            f"{what} '{value[:300]}' was not found in the workspace {workspace.name}.",
            workspace.location,
            code="BadArgument",
        )
    return found


def instances(call: Call, workspace: Workspace, before: Resource | None) -> int:
    """The number of instances in a change. Raises ArmError."""
    count = call.body.object("sku").integer("capacity", before.body["sku"]["capacity"] if before else 1)
    if not 1 <= count <= rules.MAX_INSTANCES:
        raise user_error(
            f"The number of instances is {count}; it must be between 1 and {rules.MAX_INSTANCES}.", workspace.location
        )
    return count


def size_of(workspace: Workspace, name: str | None) -> Size:
    """The virtual machine size of this name. Raises ArmError."""
    size = find(name or "")
    if size is None:
        raise user_error(
            f"The instance type '{(name or '')[:80]}' is not available for managed online endpoints in the region "
            f"{workspace.location}.",
            workspace.location,
            code="BadArgument",
        )
    return size


def properties_of(call: Call, workspace: Workspace, before: Resource | None) -> dict[str, Any]:
    """The properties in a `PUT`, completed and validated. Raises ArmError."""
    give(call, workspace)
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
    mlflow = is_mlflow_model(model)
    # Azure has an environment of its own for these two (Microsoft, "Deploy models with Triton", no-code deployment).
    if environment is None and (code is not None or not (mlflow or is_triton_model(model))):
        raise user_error(
            "The deployment needs an environment; only an MLflow or Triton model without code can do without.",
            workspace.location,
            code="BadArgument",
        )
    size = size_of(workspace, fields.text("instanceType") or (before.properties["instanceType"] if before else None))
    egress = choice(
        fields.text("egressPublicNetworkAccess"),
        _ON_OFF,
        "egressPublicNetworkAccess",
        before.properties["egressPublicNetworkAccess"] if before else "Enabled",
    )
    rules.check_network(
        managed_network=workspace.has_managed_network,
        public=workspace.is_public,
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
        "livenessProbe": _probe(fields, "livenessProbe"),
        "readinessProbe": _probe(fields, "readinessProbe"),
        "provisioningState": "Updating" if before else "Creating",
        # The client's spelling is returned, as in recordings.
        "instanceType": fields.text("instanceType") or size.name,
        "model": model.body["id"] if model else None,
        "egressPublicNetworkAccess": egress,
        "dataCollector": _data_collector(call, workspace, fields),
        "endpointComputeType": "Managed",
    }
