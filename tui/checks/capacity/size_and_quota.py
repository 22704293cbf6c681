"""Check the size: whether it exists, is retiring, and has quota left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.workspace import limits
from tui.cloud.workspace.limits import Counted, Usage
from tui.cloud.workspace.sizes import SizeOffer
from tui.plan import sizes
from tui.plan.model import Plan

TYPE = "deployment.instance_type"
COUNT = "deployment.instance_count"
_SHIPPED = "Microsoft's list of sizes for managed online endpoints, as shipped"
_USAGE = "the usages of Microsoft.MachineLearningServices in the workspace's region"
_QUOTA = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas"


def size(plan: Plan) -> list[Finding]:
    """Check the plan's size against the shipped list of sizes."""
    name = plan.deployment.instance_type
    known = sizes.find(name)
    if known is None:
        message = f"{name} is not in Microsoft's list of sizes for managed online endpoints."
        remedy = "Choose a size from the list, unless this size is newer than the list."
        return [Finding("size", WARNING, TYPE, message, remedy, sizes.LIST, _SHIPPED)]
    newer = "Standard_NC4as_T4_v3" if known.gpus else "Standard_D4as_v4"
    remedy = f"Choose a newer or larger size, such as {newer}."
    found = [
        Finding("size", WARNING, TYPE, text, remedy, sizes.RETIREMENTS, _SHIPPED) for text in sizes.warnings(known)
    ]
    memory = f", {known.memory_gib:g} GiB" if known.memory_gib else ""
    text = f"{known.name}: {known.cores} cores{memory}. {sizes.retirement_note(known)}".strip()
    return found or [Finding("size", OK, TYPE, text, docs=sizes.LIST, looked_at=_SHIPPED)]


def autoscaled(deployments: list[DeploymentInfo], wanted: Mapping[str, int]) -> list[Finding]:
    """Report deployments that keep the instance count of their autoscale rule instead of the plan's."""
    return [
        Finding(
            "autoscale",
            OK,
            COUNT,
            f"{one.name} keeps {one.instance_count} instances instead of the plan's {wanted[one.name]}: its autoscale "
            f"rule {one.autoscale['name']} sets them ({one.autoscale['minimum']} to {one.autoscale['maximum']}).",
            looked_at="the autoscale settings of the workspace's resource group",
        )
        for one in deployments
        if one.autoscale and one.instance_count != wanted.get(one.name, one.instance_count)
    ]


def quota(plan: Plan, offers: list[SizeOffer], existing: DeploymentInfo | None) -> list[Finding]:
    """Check whether the quota of the size's family covers what the plan needs beyond what it already uses.

    `existing` is the plan's deployment as it exists; its cores count as used.
    """
    wanted = plan.deployment
    offer = next((item for item in offers if item.name.lower() == wanted.instance_type.lower()), None)
    if offer is None:
        message = f"No information about {wanted.instance_type} in this region."
        return [Finding("quota", UNKNOWN, TYPE, message, looked_at=_USAGE)]
    if offer.fits is False and (offer.quota_left is None or offer.quota_needed <= offer.quota_left):
        return [
            Finding(
                "quota",
                BLOCKER,
                TYPE,
                offer.reason,
                "Choose a size that is available in this region.",
                sizes.LIST,
                _USAGE,
            )
        ]
    if offer.quota_left is None:
        remedy = "Azure reports it when the deployment is created."
        return [Finding("quota", UNKNOWN, TYPE, offer.reason, remedy, _QUOTA, _USAGE)]
    more = offer.quota_needed - _held(offer, existing)
    what = f"{wanted.instance_count} x {offer.name}"
    if more <= max(0, offer.quota_left):
        message = f"{what} needs {offer.quota_needed} cores of {offer.family}; {offer.quota_left} are left."
        return [Finding("quota", OK, TYPE, message, docs=_QUOTA, looked_at=_USAGE)]
    reserve = "" if offer.skip_reserve else ", including the 20 % that Azure reserves for upgrades"
    message = f"{what} needs {more} more cores of {offer.family}{reserve}, but {offer.quota_left} are left."
    remedy = "Choose a smaller size or another family, delete unused deployments, or request more quota."
    return [Finding("quota", BLOCKER, TYPE, message, remedy, _QUOTA, _USAGE)]


@dataclass(frozen=True)
class Need:
    """The cores of a family that a deployment needs beyond what it already uses, and how many are left for all."""

    deployment: str
    family: str
    more: int
    left: int


def existing(plan: Plan, endpoint: EndpointInfo | None) -> DeploymentInfo | None:
    """The plan's deployment as it exists."""
    name = plan.deployment.name.lower()
    there = endpoint.deployments if endpoint else []
    return next((item for item in there if item.name.lower() == name), None)


def need(plan: Plan, offers: list[SizeOffer], existing: DeploymentInfo | None) -> list[Need]:
    """The cores that the plan's deployment needs in its family; None if these or the quota are unknown."""
    wanted = plan.deployment.instance_type.lower()
    offer = next((item for item in offers if item.name.lower() == wanted), None)
    if offer is None or offer.quota_left is None:
        return []
    more = max(0, offer.quota_needed - _held(offer, existing))
    return [Need(plan.deployment.name, offer.family, more, max(0, offer.quota_left))]


def all_together(needs: list[Need]) -> Iterator[Finding]:
    """Check whether deployments that fit the quota individually also fit it together."""
    for family in dict.fromkeys(item.family for item in needs):
        of_it = [item for item in needs if item.family == family and item.more]
        total = sum(item.more for item in of_it)
        if len(of_it) < 2 or any(item.more > item.left for item in of_it) or total <= of_it[0].left:
            continue
        names = " and ".join(item.deployment for item in of_it)
        message = f"Together, {names} need {total} more cores of {family}, but {of_it[0].left} are left."
        remedy = "Choose a smaller size or another family for one of them, or request more quota."
        yield Finding("quota-together", BLOCKER, TYPE, message, remedy, _QUOTA, _USAGE)


def room(plan: Plan, usage: Usage, existing: EndpointInfo | None) -> list[Finding]:
    """Check the limits on endpoints in the region, deployments of the endpoint, and instances of the deployment.

    `existing` is the plan's endpoint as it exists.
    """
    found = [*_instances(plan), *_deployments(plan, existing)]
    if existing is None:
        found += _full("endpoints-left", usage.endpoints, limits.ENDPOINTS, "endpoints", "endpoint.name")
    if not _has(existing, plan.deployment.name):
        found += _full("deployments-left", usage.deployments, limits.DEPLOYMENTS, "deployments", "deployment.name")
    cores = usage.all_cores
    known = sizes.find(plan.deployment.instance_type)
    if cores is not None and known is not None and not _has(existing, plan.deployment.name):
        needed = sizes.quota_needed(known, plan.deployment.instance_count)
        if needed > cores.left:
            message = f"The plan needs {needed} cores, but of the region's {cores.limit} for all sizes together "
            message += f"{cores.left} are left."
            remedy = "Choose a smaller size, delete unused deployments, or request more quota."
            found.append(Finding("regional-cores", BLOCKER, COUNT, message, remedy, _QUOTA, _USAGE))
    if not found:
        there = len(existing.deployments) if existing else 0
        more = f"; {usage.endpoints.left} more endpoints can be created in the region" if usage.endpoints else ""
        message = f"{there} of {limits.DEPLOYMENTS_PER_ENDPOINT} deployments of {plan.endpoint.name} exist{more}."
        found.append(Finding("room", OK, COUNT, message, docs=_QUOTA, looked_at=_USAGE))
    return found


def _has(existing: EndpointInfo | None, name: str) -> bool:
    return existing is not None and any(item.name.lower() == name.lower() for item in existing.deployments)


def _instances(plan: Plan) -> Iterator[Finding]:
    count = plan.deployment.instance_count
    if count <= limits.INSTANCES:
        return
    message = f"The plan has {count} instances; the limit per deployment is {limits.INSTANCES}, unless Azure raised it."
    yield Finding(
        "instances", WARNING, COUNT, message, "Use several deployments, or request a higher limit.", _QUOTA, COUNT
    )


def _deployments(plan: Plan, existing: EndpointInfo | None) -> Iterator[Finding]:
    most = limits.DEPLOYMENTS_PER_ENDPOINT
    if existing is None or _has(existing, plan.deployment.name) or len(existing.deployments) < most:
        return
    message = f"The endpoint {existing.name} has {len(existing.deployments)} deployments; the limit is {most}."
    remedy = "Remove one that has no traffic, or use the name of an existing one."
    yield Finding("deployments-left", BLOCKER, "deployment.name", message, remedy, _QUOTA, existing.id)


def _full(id: str, counted: Counted | None, documented: int, what: str, field: str) -> Iterator[Finding]:
    if counted is None or counted.left > 0:
        return
    raised = "" if counted.limit <= documented else ", which was raised already"
    message = f"The subscription has {counted.used} {what} in this region; the limit is {counted.limit}{raised}."
    remedy = f"Remove unused {what}, or request a higher limit."
    yield Finding(id, BLOCKER, field, message, remedy, _QUOTA, _USAGE)


def _held(offer: SizeOffer, existing: DeploymentInfo | None) -> int:
    """The cores of the same family that the deployment already uses."""
    if existing is None or existing.provisioning_state == "Failed":
        return 0
    now = sizes.find(existing.instance_type)
    if now is None or now.family.lower() != offer.family.lower():
        return 0
    return sizes.quota_needed(now, existing.instance_count)
