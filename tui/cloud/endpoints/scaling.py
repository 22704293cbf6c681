"""Reads, sets and removes autoscale rules of deployments; reads who created a deployment.

Autoscale settings are those of Azure Monitor (Autoscale Settings - List By Resource Group, List By Subscription, Create
Or Update, Delete, 2022-10-01). A deployment's own is found by its target, whatever its name. It is removed before the
deployment, as in Microsoft's example (how-to-autoscale-endpoints, Delete resources): Azure would keep it, for the next
deployment of that name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable
from urllib.parse import quote

from tui.cloud.endpoints.deployments import MADE_TAG, DeploymentInfo
from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.plan import autoscale_settings
from tui.plan.model import Deployment, Plan

AUTOSCALE = autoscale_settings.VERSION


@dataclass(frozen=True)
class Autoscale:
    """An autoscale setting of Azure Monitor that changes a deployment's number of instances.

    `minimum` and `maximum` are the least and the most of all its profiles; `setting` is what Azure has.
    """

    name: str
    deployment: str
    enabled: bool
    minimum: int
    maximum: int
    setting: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, among them those of the run that made it."""
        return self.setting.get("tags") or {}

    def __str__(self) -> str:
        return f"autoscale setting {self.name}"

    def as_dict(self) -> dict[str, Any]:
        """All but what Azure has, as JSON data."""
        return {key: value for key, value in vars(self).items() if key != "setting"}


def autoscale(cloud: Cloud, endpoint_id: str) -> list[Autoscale]:
    """The autoscale settings that target the endpoint's deployments. Raises CloudError."""
    return _settings(cloud, _group(cloud)).get(endpoint_id.lower(), [])


def of_deployment(cloud: Cloud, endpoint_id: str, name: str) -> Autoscale | None:
    """The autoscale setting of a deployment, whoever made it; None if it has none. Raises CloudError."""
    return next((rule for rule in autoscale(cloud, endpoint_id) if rule.deployment.lower() == name.lower()), None)


def _group(cloud: Cloud) -> str:
    workspace = cloud.plan.workspace
    return f"/subscriptions/{workspace.subscription_id}/resourceGroups/{workspace.resource_group}"


def path(cloud: Cloud, name: str) -> str:
    """The Resource Manager id of an autoscale setting, which is in the workspace's resource group."""
    return f"{_group(cloud)}/providers/{autoscale_settings.KIND}/{quote(name)}"


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
        autoscale_settings.read(item)  # what compares it later relies on its form
        profiles = [one for one in properties.get("profiles") or () if one]
        limits = [one["capacity"] for one in profiles if one.get("capacity")] or [{}]
        found.setdefault(endpoint, []).append(
            Autoscale(
                str(item.get("name") or ""),
                deployment,
                properties.get("enabled", True) is True,  # true by default
                min(_whole(one.get("minimum")) for one in limits),
                max(_whole(one.get("maximum")) for one in limits),
                item,
            )
        )
    return found


def with_rules(
    cloud: Cloud, endpoint_id: str, deployments: Sequence[DeploymentInfo], plan: Plan | None = None
) -> list[DeploymentInfo]:
    """The deployments, with the autoscale setting of each, and its rule if that sets the count, after a run too.

    It does not if it is switched off, or if this program made it and the `plan` no longer has it. Raises CloudError if
    they cannot be read.
    """
    if not deployments:
        return []
    rules = {rule.deployment.lower(): rule for rule in autoscale(cloud, endpoint_id)}
    ending = {one.name for one in plan.every_deployment if one.autoscale is None} if plan else set()
    found = []
    for one in deployments:
        rule = rules.get(one.name.lower())
        if rule is not None:
            goes = one.name in ending and MADE_TAG in rule.tags
            active = rule.as_dict() if rule.enabled and not goes else None
            one = replace(one, autoscale=active, autoscale_setting=rule.setting)
        found.append(one)
    return found


def wanted_setting(
    endpoint_id: str, deployment: Deployment, there: Autoscale | None, location: str, tags: Mapping[str, str]
) -> dict[str, Any] | None:
    """What to `put` for a deployment whose plan has autoscale; None if its setting (`there`) matches.

    A setting of somebody else keeps its name, its tags and its notifications; `tags` mark one that this program made.
    """
    assert deployment.autoscale is not None
    kept = there.setting if there else {}
    if there and not autoscale_settings.differences(deployment.autoscale, kept):
        return None
    ours = there is None or MADE_TAG in there.tags
    body = autoscale_settings.body(
        deployment.autoscale,
        deployment_id=f"{endpoint_id}/deployments/{deployment.name}",
        endpoint_id=endpoint_id,
        name=there.name if there else autoscale_settings.setting_name(endpoint_id.rpartition("/")[2], deployment.name),
        location=str(kept.get("location") or location),
        tags={**(there.tags if there else {}), **(tags if ours else {})},
    )
    for key in ("notifications", "predictiveAutoscalePolicy"):
        if (kept.get("properties") or {}).get(key):
            body["properties"][key] = kept["properties"][key]
    return body


def put(cloud: Cloud, body: Mapping[str, Any]) -> None:
    """Create or replace an autoscale setting, which Azure does at once. Raises CloudError."""
    doing = "setting the autoscale rules"
    cloud.arm.call("PUT", path(cloud, body["properties"]["name"]), AUTOSCALE, body=body, doing=doing)


def delete(cloud: Cloud, name: str) -> None:
    """Remove an autoscale setting. One that does not exist is no error. Raises CloudError."""
    cloud.arm.call("DELETE", path(cloud, name), AUTOSCALE, doing=f"removing the autoscale setting {name}")


def remove(cloud: Cloud, endpoint_id: str, goes: Callable[[Autoscale], bool]) -> tuple[list[Autoscale], list[str]]:
    """Remove the settings that go, as far as this program made them, before their deployments go.

    Returns what was removed, and what was kept and why, as texts such as "autoscale setting by-load of blue, which …".
    Never raises CloudError: a setting that stays is no reason to keep what costs money.
    """
    removed: list[Autoscale] = []
    kept: list[str] = []
    try:
        rules = autoscale(cloud, endpoint_id)
    except CloudError as error:
        return [], [] if error.status in (404, 405) else [f"autoscale settings, if there are any: {error}"]
    for rule in filter(goes, rules):
        if MADE_TAG not in rule.tags:
            kept.append(f"{rule} of {rule.deployment}, which this program did not create")
            continue
        try:
            delete(cloud, rule.name)
            removed.append(rule)
        except CloudError as error:
            kept.append(f"{rule} of {rule.deployment}, not removed: {error}")
    return removed, kept


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
