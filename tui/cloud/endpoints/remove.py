"""Lists what a plan has created, with prices, and removes it and nothing else."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import Callable

from tui.cloud.endpoints import deployments, endpoints, kept_plans, scaling, traffic
from tui.cloud.endpoints.deployments import MADE_TAG, RUN_TAG, USER_TAG, DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.plan.sizes import price_currency, price_note, price_per_hour
from tui.plan.traffic import rescaled, serving

SERVES = "StillServes"
_FAILED = ("Failed", "Canceled")


@dataclass
class Removed:
    """What was removed and what was kept, as texts such as "deployment blue"."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """The plan's endpoint or one of its deployments, and whether it is removed.

    `goes` is whether it is removed with the plan, `failed` whether it has no traffic and still costs money;
    `price_per_hour` is the list price of all its instances, or None; `made_by` is run and user, from the tags.
    """

    kind: str
    name: str
    state: str
    goes: bool
    why: str
    failed: bool = False
    traffic: int = 0
    instances: int = 0
    instance_type: str = ""
    price_per_hour: float | None = None
    made_by: str = ""


@dataclass(frozen=True)
class Inventory:
    """The plan's endpoint and its deployments; empty if there is no endpoint."""

    items: list[Item] = field(default_factory=list)
    currency: str = ""
    price_note: str = ""


def inventory(cloud: Cloud, deployment: str | None = None, failed: bool = False) -> Inventory:
    """What `remove` with the same arguments would remove and keep, with list prices. Raises CloudError."""
    found = endpoints.read(cloud, cloud.plan.endpoint.name)
    if found is None:
        return Inventory()
    going = _going(cloud, found, deployment, failed)
    with contextlib.suppress(CloudError):  # whether there are any is then said once the deployments are removed
        found = replace(found, deployments=scaling.with_rules(cloud, found.id, found.deployments))
    items = [_item(cloud, found, one, going, deployment) for one in found.deployments]
    whole = _endpoint_goes(found, deployment, going)
    why = "it belongs to the plan and has no other deployments" if whole else "it keeps other deployments"
    if not whole and MADE_TAG not in found.tags:
        why = "this program did not make it"
    elif not whole and deployment:
        why = "only a deployment is removed"
    items.append(
        Item("endpoint", found.name, found.provisioning_state, whole, why, traffic=0, made_by=_made_by(found.tags))
    )
    return Inventory(items, price_currency(), price_note())


def remove(
    cloud: Cloud,
    deployment: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
    failed: bool = False,
) -> Removed:
    """Remove one deployment, or the plan's deployments and, if no other is left, its endpoint.

    Without `deployment`, only resources with this program's tag are removed; with `failed`, also its failed deployments
    that are not the plan's. Registered models, environments and code are kept: they cost almost nothing and others may
    use them; so are the runs' plans, archived. Traffic is first shifted to the other deployments, since Azure refuses
    to remove one that has any. The autoscale settings that runs made for the deployments go with them.

    Raises CloudError, also (`StillServes`) if the deployments to remove have all the traffic.
    """
    name = cloud.plan.endpoint.name
    outcome = Removed()
    found = endpoints.read(cloud, name)
    if found is None:
        return outcome
    going = _going(cloud, found, deployment, failed)
    others = [one for one in found.deployments if one.name not in going]
    if _endpoint_goes(found, deployment, going):
        progress(f"Removing the endpoint {name}.")
        removed, kept = scaling.remove(cloud, found.id, lambda one: True)
        traffic.settled(lambda: endpoints.begin_delete(cloud, name), progress)
        outcome.removed = [*map(str, removed), *(f"deployment {one}" for one in going), f"endpoint {name}"]
        outcome.left = ["the registered model, environment and code", *_archived(cloud, name), *kept]
        return outcome
    _move_requests(cloud, found, going, others, progress)
    removed, kept = scaling.remove(cloud, found.id, lambda rule: _named(rule, going)) if going else ([], [])
    outcome.removed = list(map(str, removed))
    for one in going:
        progress(f"Removing the deployment {one}.")
        traffic.settled(lambda one=one: deployments.begin_delete(cloud, name, one), progress)  # type: ignore[misc]
        outcome.removed.append(f"deployment {one}")
    unmade = "" if MADE_TAG in found.tags else ", which this program did not create"
    outcome.left = [f"endpoint {name}{unmade}", *(f"deployment {one.name}{_unmade(one)}" for one in others)]
    outcome.left += kept
    return outcome


def _named(rule: scaling.Autoscale, deployments: list[str]) -> bool:
    """Whether an autoscale setting is of one of these deployments; its author may have written another case."""
    return rule.deployment.lower() in map(str.lower, deployments)


def _archived(cloud: Cloud, name: str) -> list[str]:
    """Archive the endpoint's kept plans; what stays of them."""
    try:
        number = kept_plans.archive(cloud, name)
    except CloudError as error:
        return [f"the kept plans, not archived: {error}"]
    what = f"{number} kept plan{'s' if number > 1 else ''}, archived: data asset {kept_plans.asset_name(name)}"
    return [what] if number else []


def _going(cloud: Cloud, found: EndpointInfo, deployment: str | None, failed: bool) -> list[str]:
    """The names of the deployments to remove, in the plan's order."""
    there = {one.name: one for one in found.deployments}
    if deployment:
        return [deployment] if deployment in there else []
    wanted = [one.name for one in cloud.plan.every_deployment]
    going = [name for name in wanted if name in there and MADE_TAG in there[name].tags]
    if failed:
        going += [one.name for one in found.deployments if _wasted(one) and one.name not in going]
    return going


def _wasted(one: DeploymentInfo) -> bool:
    """Whether it is a failed deployment of this program: without traffic, and its instances may still cost money."""
    return one.provisioning_state in _FAILED and MADE_TAG in one.tags


def _endpoint_goes(found: EndpointInfo, deployment: str | None, going: list[str]) -> bool:
    alone = all(one.name in going for one in found.deployments)
    return deployment is None and alone and MADE_TAG in found.tags


def _item(cloud: Cloud, found: EndpointInfo, one: DeploymentInfo, going: list[str], named: str | None) -> Item:
    goes, wasted = one.name in going, _wasted(one)
    if goes:
        why = "it is the plan's" if one.name in {item.name for item in cloud.plan.every_deployment} else "it was named"
        why = "it failed and has no traffic" if wasted and why != "it is the plan's" else why
    elif named:
        why = f"only {named} was named"
    elif MADE_TAG not in one.tags:
        why = "this program did not make it"
    else:
        why = "it failed and has no traffic; --failed removes it too" if wasted else "it is not the plan's"
    setting = one.autoscale_setting or {}
    if goes and MADE_TAG in (setting.get("tags") or {}):
        why += f", with its autoscale setting {setting['name']}"
    price = price_per_hour(one.instance_type, found.location)
    return Item(
        "deployment",
        one.name,
        one.provisioning_state,
        goes,
        why,
        failed=wasted,
        traffic=found.traffic.get(one.name, 0),
        instances=one.instance_count,
        instance_type=one.instance_type,
        price_per_hour=None if price is None else round(price * one.instance_count, 4),
        made_by=_made_by(one.tags),
    )


def _made_by(tags: dict[str, str]) -> str:
    return ", ".join(part for part in (tags.get(RUN_TAG, ""), tags.get(USER_TAG, "")) if part)


def _unmade(one: DeploymentInfo) -> str:
    return "" if MADE_TAG in one.tags else ", which this program did not create"


def _move_requests(
    cloud: Cloud, found: EndpointInfo, going: list[str], others: list[DeploymentInfo], progress: Callable[[str], None]
) -> None:
    """Shift traffic from what is removed to what stays. Raises CloudError if no deployment would serve it."""
    rest = {name: share for name, share in found.traffic.items() if share and name not in going}
    copies = {name: share for name, share in found.mirror_traffic.items() if share and name not in going}
    moves = any(found.traffic.get(name) for name in going)
    if not moves and copies == serving(found.mirror_traffic):
        return
    ready = [one.name for one in others if one.provisioning_state == "Succeeded"]
    if moves and not rest and ready:
        several = len(going) > 1
        raise CloudError(
            title=f"{', '.join(going)} still {'have' if several else 'has'} all traffic",
            cause=f"A deployment with traffic is not removed, and {', '.join(ready)} would not receive it.",
            remedy=f"Shift the traffic first, for example: aml-deploy traffic {found.name} {ready[0]}=100",
            code=SERVES,
        )
    if moves:
        progress(f"Shifting traffic away from {', '.join(going)}.")
    split = rescaled(rest)
    traffic.settled(lambda: traffic.begin_set(cloud, found.name, split, found.traffic, copies), progress)
