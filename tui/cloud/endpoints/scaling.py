"""Reads a deployment's autoscale rules, and who created it.

Autoscale settings are those of Azure Monitor (Autoscale Settings - List By Resource Group, List By Subscription,
2022-10-01).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.errors import reading
from tui.cloud.http import arm
from tui.cloud.session import Cloud

AUTOSCALE = "2022-10-01"


@dataclass(frozen=True)
class Autoscale:
    """An autoscale setting of Azure Monitor that changes a deployment's number of instances."""

    name: str
    deployment: str
    enabled: bool
    minimum: int
    maximum: int


def autoscale(cloud: Cloud, endpoint_id: str) -> list[Autoscale]:
    """The autoscale settings that target the endpoint's deployments. Raises CloudError."""
    workspace = cloud.plan.workspace
    group = f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"
    return _settings(cloud, group).get(endpoint_id.lower(), [])


def of_subscription(cloud: Cloud, subscription: str) -> dict[str, list[Autoscale]]:
    """The autoscale settings of all deployments of a subscription, by their endpoint's id in lower case.

    Raises CloudError.
    """
    return _settings(cloud, f"/subscriptions/{subscription}")


@reading("autoscale settings")
def _settings(cloud: Cloud, scope: str) -> dict[str, list[Autoscale]]:
    found: dict[str, list[Autoscale]] = {}
    for item in cloud.arm.items(
        f"{scope}/providers/Microsoft.Insights/autoscaleSettings", AUTOSCALE, doing="reading the autoscale settings"
    ):
        properties = item.get("properties") or {}
        endpoint, _, deployment = str(properties.get("targetResourceUri") or "").rpartition("/")
        endpoint, _, kind = endpoint.lower().rpartition("/")
        if kind != "deployments":
            continue
        capacity = ((properties.get("profiles") or [{}])[0] or {}).get("capacity") or {}
        found.setdefault(endpoint, []).append(
            Autoscale(
                str(item.get("name") or ""),
                deployment,
                properties.get("enabled", True) is True,  # true by default
                _whole(capacity.get("minimum")),
                _whole(capacity.get("maximum")),
            )
        )
    return found


def with_rules(
    cloud: Cloud, endpoint_id: str, deployments: Sequence[DeploymentInfo], wanted: Mapping[str, int]
) -> list[DeploymentInfo]:
    """The deployments, with the active autoscale rule of each whose instance count is not the wanted one.

    Rules are read only if there is such a deployment. Raises CloudError if they cannot be read.
    """
    if all(wanted.get(one.name, one.instance_count) == one.instance_count for one in deployments):
        return list(deployments)
    rules = {rule.deployment.lower(): asdict(rule) for rule in autoscale(cloud, endpoint_id) if rule.enabled}
    return [replace(one, autoscale=rules.get(one.name.lower())) for one in deployments]


def created(cloud: Cloud, resource_id: str, version: str = arm.ENDPOINTS) -> dict[str, str]:
    """Read a resource and return the result of `told_of`. Raises CloudError."""
    return told_of(cloud.arm.call("GET", resource_id, version).body or {})


def told_of(body: Mapping[str, Any]) -> dict[str, str]:
    """Who created and last changed a resource, and when; empty texts if not reported."""
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
