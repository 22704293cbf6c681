"""Lists virtual machine sizes with their quota left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.workspace import limits
from tui.plan import sizes as table


@dataclass(frozen=True)
class SizeOffer:
    """A size and whether it fits: cores of quota needed and left, None if the service does not report it."""

    name: str
    family: str
    cores: int
    memory_gib: float | None
    gpus: float
    skip_reserve: bool
    quota_needed: int
    quota_left: int | None
    fits: bool | None
    reason: str
    offered: bool = True
    """Whether the region offers the size for managed online endpoints."""


def offers(cloud: Cloud, instance_count: int = 1) -> list[SizeOffer]:
    """The sizes of managed online endpoints in the workspace's region, with quota for `instance_count` instances.

    If the service does not report sizes, Microsoft's list is used; if it does not report quota, `quota_left` and
    `fits` are None. Raises CloudError only if the workspace cannot be read.
    """
    location = cloud.location
    base = f"/subscriptions/{cloud.plan.workspace.subscription_id}/providers/Microsoft.MachineLearningServices"
    live = _live_sizes(cloud, f"{base}/locations/{location}/vmSizes")
    left = quota_left(cloud)
    found = live if live else [(size, True) for size in table.sizes()]
    return [_offer(size, offered, instance_count, left, location) for size, offered in found]


def _offer(size: table.Size, offered: bool, count: int, left: dict[str, int] | None, location: str) -> SizeOffer:
    available = None if left is None else left.get(size.family.lower())
    judged = table.fit(size, count, available, offered=offered, where=location)
    reason = judged.reason
    if offered and left is None:
        reason = "The service did not report the quota left."
    elif offered and available is None:
        reason = f"The service reports no quota for the family {size.family}."
    return SizeOffer(
        name=size.name,
        family=size.family,
        cores=size.cores,
        memory_gib=size.memory_gib,
        gpus=size.gpus,
        skip_reserve=size.skip_reserve,
        quota_needed=judged.needed,
        quota_left=available,
        fits=judged.fits,
        reason=reason,
        offered=offered,
    )


def _live_sizes(cloud: Cloud, path: str) -> list[tuple[table.Size, bool]]:
    """The sizes that the region offers; compute type MIR marks those for managed online endpoints."""
    try:
        body = cloud.arm.call("GET", path, arm.LOCATIONS, doing="reading the sizes", retry=False).body
    except CloudError:
        return []
    found = []
    values: list[dict[str, Any]] = (body or {}).get("value") or (body or {}).get("amlCompute") or []
    for item in values:
        types = {str(kind).upper() for kind in item.get("supportedComputeTypes") or []}
        known = table.find(str(item.get("name")))
        if "MIR" not in types and known is None:
            continue
        found.append((known or _from_live(item), "MIR" in types or not types))
    return found


def _from_live(item: dict[str, Any]) -> table.Size:
    return table.Size(
        name=str(item.get("name")),
        family=str(item.get("family") or ""),
        cores=int(item.get("vCPUs") or 0),
        gpus=float(item.get("gpus") or 0),
        memory_gib=float(item["memoryGB"]) if item.get("memoryGB") else None,
        temp_disk_gib=int(item["maxResourceVolumeMB"]) // 1024 if item.get("maxResourceVolumeMB") else None,
        skip_reserve=False,
        infiniband=bool(item.get("supportsIB")),
    )


def quota_left(cloud: Cloud) -> dict[str, int] | None:
    """Quota left in cores by family (lower case) in the subscription's region; None if not reported."""
    left: dict[str, int] = {}
    try:
        for kind, name, cores in limits.counted(cloud, "reading the quota"):
            if "dedicatedcores" in kind and "total" not in kind:
                # A workspace may have a lower limit than the subscription; the lower one applies.
                left[name] = min(left.get(name, cores.left), cores.left)
    except CloudError:
        return None
    return left
