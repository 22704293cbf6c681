"""Managed online deployments: read, create, change, remove, and their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.cloud.endpoints import data_collection
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud
from tui.plan.model import Plan, ProbeSettings

CONTAINERS = {"inference-server": "InferenceServer", "storage-initializer": "StorageInitializer"}


@dataclass(frozen=True)
class AssetIds:
    """Resource Manager ids of what a deployment is made from; code is None for MLflow models without code."""

    model: str
    environment: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class DeploymentInfo:
    """A deployment as Azure has it; ids as Resource Manager writes them, probe times in seconds."""

    name: str
    id: str
    provisioning_state: str
    instance_type: str
    instance_count: int
    model: str | None
    environment: str | None
    code: str | None
    scoring_script: str | None
    environment_variables: dict[str, str]
    egress_public_network_access: str | None
    app_insights_enabled: bool
    description: str
    tags: dict[str, str]
    request_settings: dict[str, Any] = field(default_factory=dict)
    liveness_probe: dict[str, Any] = field(default_factory=dict)
    readiness_probe: dict[str, Any] = field(default_factory=dict)
    data_collector: dict[str, Any] = field(default_factory=dict)
    model_mount_path: str | None = None


def path(cloud: Cloud, endpoint: str, name: str) -> str:
    """The Resource Manager id of a deployment."""
    return f"{cloud.workspace_id}/onlineEndpoints/{endpoint}/deployments/{name}"


def read(cloud: Cloud, endpoint: str, name: str) -> DeploymentInfo | None:
    """The deployment, or None when there is none of that name. Raises CloudError."""
    found = cloud.arm.find(path(cloud, endpoint, name), arm.DEPLOYMENTS, doing=f"reading the deployment {name}")
    return None if found is None else info(found)


def list_all(cloud: Cloud, endpoint: str) -> list[DeploymentInfo]:
    """All deployments of an endpoint. Raises CloudError."""
    found = cloud.arm.items(
        f"{cloud.workspace_id}/onlineEndpoints/{endpoint}/deployments",
        arm.DEPLOYMENTS,
        doing=f"listing the deployments of {endpoint}",
    )
    return [info(body) for body in found]


def begin_create_or_update(
    cloud: Cloud, plan: Plan, ids: AssetIds, tags: Mapping[str, str] | None = None
) -> Operation[DeploymentInfo]:
    """Creates or replaces the plan's deployment from registered assets; nothing is uploaded.

    Data assets for what is collected are registered first, where they are not there yet, as az ml does.

    `tags` mark it as made by this program; other tags that it has are kept.

    Raises CloudError when Azure refuses the request, for want of quota for instance.
    """
    endpoint, name = plan.endpoint.name, plan.deployment.name
    doing = f"creating the deployment {name}"
    resource = path(cloud, endpoint, name)
    existing = cloud.arm.find(resource, arm.DEPLOYMENTS, doing=doing)
    collected = data_collection.register(cloud, plan)
    body = _body(cloud, plan, ids, {**((existing or {}).get("tags") or {}), **plan.deployment.tags, **(tags or {})})
    if collected is not None:
        body["properties"]["dataCollector"] = collected
    return _operation(cloud, endpoint, name, cloud.arm.call("PUT", resource, arm.DEPLOYMENTS, body=body, doing=doing))


def begin_scale(
    cloud: Cloud, endpoint: str, name: str, instances: int, tags: Mapping[str, str] | None = None
) -> Operation[DeploymentInfo]:
    """Changes the number of instances and adds tags; the containers are not replaced.

    PATCH takes these alone (Microsoft, REST API, OnlineDeployments_Update). Raises CloudError, for want of quota for
    instance.
    """
    resource, doing = path(cloud, endpoint, name), f"changing the deployment {name}"
    existing = cloud.arm.call("GET", resource, arm.DEPLOYMENTS, doing=doing).body
    body = {
        "tags": {**(existing.get("tags") or {}), **(tags or {})},
        "sku": {**(existing.get("sku") or {"name": "Default"}), "capacity": instances},
    }
    answer = cloud.arm.call("PATCH", resource, arm.DEPLOYMENTS, body=body, doing=doing)
    return _operation(cloud, endpoint, name, answer)


def follow(cloud: Cloud, endpoint: str, name: str, started: Mapping[str, str]) -> Operation[DeploymentInfo]:
    """A creation or change that another process has begun; `started` is what its `Operation.started` was."""
    return _operation(cloud, endpoint, name, arm.Answer(202, started, None))


def _operation(cloud: Cloud, endpoint: str, name: str, started: arm.Answer) -> Operation[DeploymentInfo]:
    resource, doing = path(cloud, endpoint, name), f"reading the deployment {name}"

    def finish() -> DeploymentInfo:
        return info(cloud.arm.call("GET", resource, arm.DEPLOYMENTS, doing=doing).body)

    return Operation(cloud.arm, started, resource, arm.DEPLOYMENTS, finish, f"the deployment {name}")


def begin_delete(cloud: Cloud, endpoint: str, name: str) -> Operation[None]:
    """Removes a deployment; its traffic has to be 0 before. One that is not there is no error."""
    resource = path(cloud, endpoint, name)
    started = cloud.arm.call("DELETE", resource, arm.DEPLOYMENTS, doing=f"removing the deployment {name}")
    return Operation(
        cloud.arm,
        started,
        resource,
        arm.DEPLOYMENTS,
        lambda: None,
        f"the removal of the deployment {name}",
        deletes=True,
    )


def logs(cloud: Cloud, endpoint: str, deployment: str, container: str = "inference-server", lines: int = 200) -> str:
    """The last lines of a container's log: inference-server (score.py) or storage-initializer (downloads)."""
    body = {"containerType": CONTAINERS.get(container, container), "tail": lines}
    answer = cloud.arm.call(
        "POST",
        f"{path(cloud, endpoint, deployment)}/getLogs",
        arm.DEPLOYMENTS,
        body=body,
        doing=f"reading the log of {deployment}",
    ).body
    return str(answer.get("content") or "") if isinstance(answer, dict) else ""


def _body(cloud: Cloud, plan: Plan, ids: AssetIds, tags: Mapping[str, str]) -> dict[str, Any]:
    wanted = plan.deployment
    properties: dict[str, Any] = {
        "endpointComputeType": "Managed",
        "model": ids.model,
        "instanceType": wanted.instance_type,
        "environmentVariables": dict(wanted.environment_variables),
        "scaleSettings": {"scaleType": "Default"},
        "appInsightsEnabled": wanted.app_insights_enabled,
        "requestSettings": {
            "requestTimeout": iso_milliseconds(wanted.request_settings.request_timeout_ms),
            "maxConcurrentRequestsPerInstance": wanted.request_settings.max_concurrent_requests_per_instance,
        },
        "livenessProbe": _probe(wanted.liveness_probe),
        "readinessProbe": _probe(wanted.readiness_probe),
        "description": wanted.description or None,
        "properties": {},
    }
    if ids.environment:
        properties["environmentId"] = ids.environment
    if ids.code and wanted.code_configuration:
        properties["codeConfiguration"] = {
            "codeId": ids.code,
            "scoringScript": wanted.code_configuration.scoring_script,
        }
    if wanted.model_mount_path:
        properties["modelMountPath"] = wanted.model_mount_path
    if wanted.egress_public_network_access:
        properties["egressPublicNetworkAccess"] = wanted.egress_public_network_access.capitalize()
    return {
        "location": cloud.location,
        "tags": dict(tags),
        "sku": {"name": "Default", "capacity": wanted.instance_count},
        "properties": properties,
    }


def _probe(probe: ProbeSettings) -> dict[str, Any]:
    return {
        "initialDelay": f"PT{probe.initial_delay}S",
        "period": f"PT{probe.period}S",
        "timeout": f"PT{probe.timeout}S",
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }


def iso_milliseconds(milliseconds: int) -> str:
    """An ISO 8601 duration: 5000 → PT5S, 1500 → PT1.5S."""
    whole, rest = divmod(milliseconds, 1000)
    return f"PT{whole}S" if not rest else f"PT{whole}.{rest:03d}".rstrip("0") + "S"


def seconds(duration: Any) -> float | None:
    """Seconds of an ISO 8601 duration of hours, minutes and seconds; None when it is none."""
    import re

    found = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", str(duration or ""))
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def info(body: Mapping[str, Any]) -> DeploymentInfo:
    """A DeploymentInfo from Resource Manager's JSON."""
    properties = body.get("properties") or {}
    code = properties.get("codeConfiguration") or {}
    egress = properties.get("egressPublicNetworkAccess")
    return DeploymentInfo(
        name=str(body.get("name")),
        id=str(body.get("id")),
        provisioning_state=str(properties.get("provisioningState") or ""),
        instance_type=str(properties.get("instanceType") or ""),
        instance_count=int((body.get("sku") or {}).get("capacity") or 0),
        model=_model_id(properties.get("model")),
        environment=properties.get("environmentId"),
        code=code.get("codeId"),
        scoring_script=code.get("scoringScript"),
        environment_variables={str(k): str(v) for k, v in (properties.get("environmentVariables") or {}).items()},
        egress_public_network_access=str(egress).lower() if egress else None,
        app_insights_enabled=bool(properties.get("appInsightsEnabled")),
        description=str(properties.get("description") or ""),
        tags={str(k): str(v) for k, v in (body.get("tags") or {}).items()},
        request_settings=_request_settings(properties.get("requestSettings") or {}),
        liveness_probe=_probe_info(properties.get("livenessProbe") or {}),
        readiness_probe=_probe_info(properties.get("readinessProbe") or {}),
        data_collector=data_collection.info(properties.get("dataCollector") or {}),
        model_mount_path=properties.get("modelMountPath") or None,
    )


def _model_id(model: Any) -> str | None:
    if isinstance(model, dict):
        model = model.get("assetId")
    return str(model) if model else None


def _request_settings(found: Mapping[str, Any]) -> dict[str, Any]:
    timeout = seconds(found.get("requestTimeout"))
    return {
        "request_timeout_ms": None if timeout is None else round(timeout * 1000),
        "max_concurrent_requests_per_instance": found.get("maxConcurrentRequestsPerInstance"),
    }


def _probe_info(found: Mapping[str, Any]) -> dict[str, Any]:
    times = {
        key: seconds(found.get(name))
        for key, name in (("initial_delay", "initialDelay"), ("period", "period"), ("timeout", "timeout"))
    }
    return {
        **{key: None if value is None else int(value) for key, value in times.items()},
        "success_threshold": found.get("successThreshold"),
        "failure_threshold": found.get("failureThreshold"),
    }
