"""The size: known, here to stay, and with quota left for it."""

from __future__ import annotations

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.cloud.deployments import DeploymentInfo
from tui.cloud.sizes import SizeOffer
from tui.plan import sizes
from tui.plan.model import Plan

TYPE = "deployment.instance_type"
COUNT = "deployment.instance_count"
_QUOTA = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas"


def size(plan: Plan) -> list[Finding]:
    """What the shipped list of sizes says about the plan's size."""
    name = plan.deployment.instance_type
    known = sizes.find(name)
    if known is None:
        return [
            Finding(
                "size",
                WARNING,
                TYPE,
                f"{name} is not in Microsoft's list of sizes for managed online endpoints.",
                "Choose a size from the list, unless it is newer than the list.",
                sizes.LIST,
            )
        ]
    newer = "Standard_NC4as_T4_v3" if known.gpus else "Standard_D4as_v4"
    remedy = f"Choose a newer or larger size, such as {newer}."
    found = [Finding("size", WARNING, TYPE, text, remedy, sizes.RETIREMENTS) for text in sizes.warnings(known)]
    memory = f", {known.memory_gib:g} GiB" if known.memory_gib else ""
    text = f"{known.name}: {known.cores} cores{memory}. {sizes.retirement_note(known)}".strip()
    return found or [Finding("size", OK, TYPE, text, docs=sizes.LIST)]


def quota(plan: Plan, offers: list[SizeOffer], existing: DeploymentInfo | None) -> list[Finding]:
    """Whether the quota of the size's family holds what the plan needs beyond what it has already.

    `existing` is the plan's deployment as it is now; its cores are counted as used.
    """
    wanted = plan.deployment
    offer = next((item for item in offers if item.name.lower() == wanted.instance_type.lower()), None)
    if offer is None:
        return [Finding("quota", UNKNOWN, TYPE, f"Nothing is known about {wanted.instance_type} in this region.")]
    if offer.fits is False and (offer.quota_left is None or offer.quota_needed <= offer.quota_left):
        return [Finding("quota", BLOCKER, TYPE, offer.reason, "Choose a size that this region offers.", sizes.LIST)]
    if offer.quota_left is None:
        remedy = "Azure tells when the deployment is made."
        return [Finding("quota", UNKNOWN, TYPE, offer.reason, remedy, _QUOTA)]
    more = offer.quota_needed - _held(offer, existing)
    what = f"{wanted.instance_count} x {offer.name}"
    if more <= max(0, offer.quota_left):
        message = f"{what} needs {offer.quota_needed} cores of {offer.family}; {offer.quota_left} are left."
        return [Finding("quota", OK, TYPE, message, docs=_QUOTA)]
    reserve = "" if offer.skip_reserve else ", counting the 20 % that Azure reserves for upgrades"
    return [
        Finding(
            "quota",
            BLOCKER,
            TYPE,
            f"{what} needs {more} more cores of {offer.family}{reserve}, and {offer.quota_left} are left.",
            "Choose a smaller size or another family, delete deployments that are not used, or ask for more quota.",
            _QUOTA,
        )
    ]


def _held(offer: SizeOffer, existing: DeploymentInfo | None) -> int:
    """Cores of the same family that the deployment has already."""
    if existing is None or existing.provisioning_state == "Failed":
        return 0
    now = sizes.find(existing.instance_type)
    if now is None or now.family.lower() != offer.family.lower():
        return 0
    return sizes.quota_needed(now, existing.instance_count)
