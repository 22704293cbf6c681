"""Removing what a plan has made, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

from tui.cloud import deployments, endpoints, traffic
from tui.cloud.session import Cloud

MADE_TAG = "aml-deploy"  # on every endpoint and deployment that a run has made; its value is the version


@dataclass
class Removed:
    """What was removed and what was left, each in words such as "deployment blue"."""

    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def remove(
    cloud: Cloud,
    deployment: str | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Removed:
    """Removes one deployment, or the plan's deployment and, when no other is left on it, its endpoint.

    Without `deployment` only what bears this program's tag is removed. Registered models, environments and code stay:
    they cost next to nothing and other deployments may use them. A deployment's traffic is taken away first, since
    Azure refuses to remove one that has any. Raises CloudError.
    """
    name = cloud.plan.endpoint.name
    outcome = Removed()
    found = endpoints.read(cloud, name)
    if found is None:
        return outcome
    wanted = deployment or cloud.plan.deployment.name
    mine = next((one for one in found.deployments if one.name == wanted), None)
    if mine is not None and deployment is None and MADE_TAG not in mine.tags:
        outcome.left = [f"endpoint {name}", f"deployment {wanted}, which this program did not make"]
        return outcome
    others = [one.name for one in found.deployments if one.name != wanted]
    if deployment is None and not others and MADE_TAG in found.tags:
        progress(f"Removing the endpoint {name}.")
        endpoints.begin_delete(cloud, name).result()
        outcome.removed = [*([f"deployment {wanted}"] if mine else []), f"endpoint {name}"]
        outcome.left = ["the registered model, environment and code"]
        return outcome
    if mine is not None:
        if found.traffic.get(wanted):
            progress(f"Taking traffic from {wanted}.")
            rest = {other: share for other, share in found.traffic.items() if other != wanted}
            traffic.begin_set(cloud, name, _rescaled(rest)).result()
        progress(f"Removing the deployment {wanted}.")
        deployments.begin_delete(cloud, name, wanted).result()
        outcome.removed = [f"deployment {wanted}"]
    unmade = "" if MADE_TAG in found.tags else ", which this program did not make"
    outcome.left = [f"endpoint {name}{unmade}", *(f"deployment {other}" for other in others)]
    return outcome


def _rescaled(shares: dict[str, int]) -> dict[str, int]:
    """The same proportions with a total of 100; nothing when nothing is left, which Azure accepts too."""
    total = sum(shares.values())
    if not total:
        return {}
    scaled = {name: share * 100 // total for name, share in shares.items()}
    first = max(scaled, key=lambda name: scaled[name])
    scaled[first] += 100 - sum(scaled.values())
    return scaled
