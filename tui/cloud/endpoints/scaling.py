"""Making a deployment again as it is, or with single changes; the rules that scale it; who made it.

What is changed is sent with PUT, with all the rest of the deployment. Autoscale settings are those of Azure Monitor
(Autoscale Settings - List By Resource Group, 2022-10-01).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.cloud.endpoints.deployments import DeploymentInfo, follow, path
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud

AUTOSCALE = "2022-10-01"
_SENT = (
    "endpointComputeType", "model", "modelMountPath", "environmentId", "environmentVariables", "codeConfiguration",
    "instanceType", "scaleSettings", "requestSettings", "livenessProbe", "readinessProbe", "appInsightsEnabled",
    "description", "egressPublicNetworkAccess", "dataCollector",
)  # fmt: skip


@dataclass(frozen=True)
class Autoscale:
    """A rule of Azure Monitor that sets a deployment's instances by itself."""

    name: str
    deployment: str
    enabled: bool
    minimum: int
    maximum: int


def begin_again(
    cloud: Cloud, endpoint: str, name: str, change: Mapping[str, Mapping[str, Any]] | None = None
) -> Operation[DeploymentInfo]:
    """Makes a deployment again from what it is made of; its containers are replaced.

    `change` lays members over objects of its properties, in Resource Manager's words, such as
    `{"livenessProbe": {"initialDelay": "PT300S"}}`. Raises CloudError.
    """
    resource, doing = path(cloud, endpoint, name), f"changing the deployment {name}"
    existing = cloud.arm.call("GET", resource, arm.DEPLOYMENTS, doing=doing).body
    kept = existing.get("properties") or {}
    properties = {key: copy.deepcopy(kept[key]) for key in _SENT if kept.get(key) is not None}
    properties["environmentVariables"] = {
        key: value for key, value in (properties.get("environmentVariables") or {}).items() if key not in _PUT_THERE
    }
    for part, members in (change or {}).items():
        properties[part] = {**(properties.get(part) or {}), **members}
    body = {
        "location": existing.get("location"),
        "tags": existing.get("tags") or {},
        "sku": existing.get("sku") or {"name": "Default", "capacity": 1},
        "properties": {**properties, "properties": {}},
    }
    if existing.get("identity"):
        body["identity"] = existing["identity"]
    answer = cloud.arm.call("PUT", resource, arm.DEPLOYMENTS, body=body, doing=doing)
    return follow(cloud, endpoint, name, answer.headers)


# The service adds these to the variables of a deployment when it starts it (recorded by azure-powershell).
_PUT_THERE = ("AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "SCORING_TIMEOUT_MS", "AML_APP_ROOT")


def autoscale(cloud: Cloud, endpoint_id: str) -> list[Autoscale]:
    """The autoscale settings that target the endpoint's deployments. Raises CloudError."""
    workspace = cloud.plan.workspace
    group = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    found = []
    below = f"{endpoint_id.lower()}/deployments/"
    for item in cloud.arm.items(
        f"{group}/providers/Microsoft.Insights/autoscaleSettings", AUTOSCALE, doing="reading the autoscale settings"
    ):
        properties = item.get("properties") or {}
        target = str(properties.get("targetResourceUri") or "")
        if not target.lower().startswith(below):
            continue
        capacity = ((properties.get("profiles") or [{}])[0] or {}).get("capacity") or {}
        found.append(
            Autoscale(
                str(item.get("name") or ""),
                target.rpartition("/")[2],
                bool(properties.get("enabled")),
                _whole(capacity.get("minimum")),
                _whole(capacity.get("maximum")),
            )
        )
    return found


def created(cloud: Cloud, resource_id: str, version: str = arm.ENDPOINTS) -> dict[str, str]:
    """As `told_of`, of a resource that is read for it. Raises CloudError."""
    return told_of(cloud.arm.call("GET", resource_id, version).body or {})


def told_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Who made a resource and when, who changed it last and when; empty texts where that is not told."""
    told = body.get("systemData") or {}
    return {
        name: str(told.get(key) or "")
        for name, key in (
            ("created_at", "createdAt"),
            ("created_by", "createdBy"),
            ("changed_at", "lastModifiedAt"),
            ("changed_by", "lastModifiedBy"),
        )
    }


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
