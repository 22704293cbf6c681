"""Reads, creates, changes and removes managed online deployments, and reads their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tui.cloud import ml_client
from tui.cloud.endpoints import data_collection
from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud
from tui.plan import sdk_entities
from tui.plan.model import Plan

MADE_TAG = "aml-deploy"  # on what a run created; its value is the version
RUN_TAG, USER_TAG = "aml-deploy-run", "aml-deploy-by"
CONTAINERS = {"inference-server": "InferenceServer", "storage-initializer": "StorageInitializer"}


@dataclass(frozen=True)
class AssetIds:
    """Resource Manager ids of a deployment's assets; the model is None if the image has it, code if there is none."""

    model: str | None = None
    environment: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class DeploymentInfo:
    """The state of a deployment in Azure; ids as in Resource Manager, probe times in seconds."""

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
    autoscale: dict[str, Any] | None = None  # the active rule that sets the instance count, if that was read
    autoscale_setting: dict[str, Any] | None = None  # its autoscale setting as Azure has it, active or not, if read


def path(cloud: Cloud, endpoint: str, name: str) -> str:
    """The Resource Manager id of a deployment."""
    return f"{cloud.workspace_id}/onlineEndpoints/{endpoint}/deployments/{name}"


def read(cloud: Cloud, endpoint: str, name: str) -> DeploymentInfo | None:
    """The deployment, or None if it does not exist. Raises CloudError."""
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
    """Create or replace the plan's deployment from registered assets; nothing is uploaded.

    The SDK first registers data assets for the data collector. `tags` mark the deployment as created by this program;
    other tags of an existing one are kept. Raises CloudError if Azure refuses the request, for lack of quota for
    instance.
    """
    there = read(cloud, plan.endpoint.name, plan.deployment.name)
    marked = {**(there.tags if there else {}), **plan.deployment.tags, **(tags or {})}
    return _begin(cloud, sdk_entities.of_plan(plan), ids, tags=marked)


def begin_again(
    cloud: Cloud, endpoint: str, name: str, change: Mapping[str, Mapping[str, Any]] | None = None
) -> Operation[DeploymentInfo]:
    """Recreate a deployment from its own settings and assets; its containers are replaced.

    `change` overrides settings by group, with the plan's keys, such as `{"liveness_probe": {"initial_delay": 300}}`.
    Raises CloudError.
    """
    there = read(cloud, endpoint, name)
    if there is None:
        raise CloudError(f"The deployment {name} does not exist", code="DeploymentNotFound", status=404)
    tree = asdict(there)
    tree["code_configuration"] = {"scoring_script": there.scoring_script}
    data_collection.require_told_by_the_sdk(cloud, there.data_collector)
    tree["data_collector"] = data_collection.in_words_of_a_plan(there.data_collector)
    for group, members in (change or {}).items():
        tree[group] = {**tree[group], **members}
    ids = AssetIds(there.model, there.environment, there.code)
    return _begin(cloud, sdk_entities.Tree({"endpoint": {"name": endpoint}, "deployment": tree}), ids)


def _begin(cloud: Cloud, values: sdk_entities.Tree, ids: AssetIds, **other: Any) -> Operation[DeploymentInfo]:
    assets = data_collection.registered(cloud, values)
    made = sdk_entities.deployment(values, model=ids.model, environment=ids.environment, code=ids.code, **other)
    endpoint, name = str(made.arguments["endpoint_name"]), str(made.arguments["name"])
    return ml_client.begin(
        cloud,
        lambda client: client.online_deployments.begin_create_or_update(ml_client.entity(made)),
        path(cloud, endpoint, name),
        arm.DEPLOYMENTS,
        lambda: _made(cloud, endpoint, name),
        what=f"the deployment {name}",
        doing=f"creating or changing the deployment {name}",
        there=assets,
    )


def begin_scale(
    cloud: Cloud, endpoint: str, name: str, instances: int, tags: Mapping[str, str] | None = None
) -> Operation[DeploymentInfo]:
    """Change the number of instances and add tags; the containers are not replaced.

    PATCH accepts only these (Microsoft, REST API, OnlineDeployments_Update). Raises CloudError, for lack of quota for
    instance.
    """
    resource, doing = path(cloud, endpoint, name), f"changing the deployment {name}"
    existing = cloud.arm.call("GET", resource, arm.DEPLOYMENTS, doing=doing).body
    body = {
        "tags": {**(existing.get("tags") or {}), **(tags or {})},
        "sku": {**(existing.get("sku") or {"name": "Default"}), "capacity": instances},
    }
    try:
        answer = cloud.arm.call("PATCH", resource, arm.DEPLOYMENTS, body=body, doing=doing)
    except CloudError as error:
        raise ml_client.with_state(cloud, resource, error) from None
    return _operation(cloud, endpoint, name, answer)


def follow(cloud: Cloud, endpoint: str, name: str, started: Mapping[str, str]) -> Operation[DeploymentInfo]:
    """A creation or change that another process has started; `started` is that operation's `Operation.started`."""
    return _operation(cloud, endpoint, name, arm.Answer(202, started, None))


def _operation(cloud: Cloud, endpoint: str, name: str, started: arm.Answer) -> Operation[DeploymentInfo]:
    resource = path(cloud, endpoint, name)
    return Operation(
        cloud.arm, started, resource, arm.DEPLOYMENTS, lambda: _made(cloud, endpoint, name), f"the deployment {name}"
    )


def _made(cloud: Cloud, endpoint: str, name: str) -> DeploymentInfo:
    doing = f"reading the deployment {name}"
    return info(cloud.arm.call("GET", path(cloud, endpoint, name), arm.DEPLOYMENTS, doing=doing).body)


def begin_delete(cloud: Cloud, endpoint: str, name: str) -> Operation[None]:
    """Remove a deployment, whose traffic must be 0. A deployment that does not exist is no error. Raises CloudError."""
    return ml_client.begin(
        cloud,
        lambda client: client.online_deployments.begin_delete(name, endpoint),
        path(cloud, endpoint, name),
        arm.DEPLOYMENTS,
        lambda: None,
        what=f"the removal of the deployment {name}",
        doing=f"removing the deployment {name}",
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


def seconds(duration: Any) -> float | None:
    """Seconds of an ISO 8601 duration of hours, minutes and seconds; None if it is not one."""
    import re

    found = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?", str(duration or ""))
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


@reading("a deployment")
def info(body: Mapping[str, Any]) -> DeploymentInfo:
    """A DeploymentInfo from Resource Manager's JSON. Raises CloudError if its parts have other types."""
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
    timeout, wait = seconds(found.get("requestTimeout")), seconds(found.get("maxQueueWait"))
    return {
        "request_timeout_ms": None if timeout is None else round(timeout * 1000),
        "max_queue_wait_ms": None if wait is None else round(wait * 1000),
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
