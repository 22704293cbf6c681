"""How many endpoints, deployments and cores a subscription may have in a region, and has.

The limits are those of Microsoft's how-to-manage-quotas (100 endpoints and 500 deployments a subscription and region,
20 deployments an endpoint, 50 instances a deployment); Azure raises them on request, so what the service tells wins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui.cloud.http import arm
from tui.cloud.session import Cloud

ENDPOINTS = 100
DEPLOYMENTS = 500
DEPLOYMENTS_PER_ENDPOINT = 20
INSTANCES = 50


@dataclass(frozen=True)
class Counted:
    """Something that is counted: how many there are, and how many there may be."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        """How many more there may be."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class Usage:
    """What the service tells about the region; None where it tells nothing."""

    endpoints: Counted | None = None
    deployments: Counted | None = None
    all_cores: Counted | None = None


def usage(cloud: Cloud) -> Usage:
    """Endpoints, deployments and dedicated cores of the workspace's region. Raises CloudError."""
    # TotalDedicatedCores is in answers that people have published. That endpoints and deployments are counted here,
    # under these names, is a guess: where they are not, nothing is said about them.
    found: dict[str, Counted] = {}
    for _, name, number in counted(cloud, "reading how much is used in the region"):
        if number.limit >= 0:
            found.setdefault(name.replace(" ", ""), number)
    return Usage(found.get("onlineendpoints"), found.get("onlinedeployments"), found.get("totaldedicatedcores"))


def counted(cloud: Cloud, doing: str) -> Iterator[tuple[str, str, Counted]]:
    """What the service counts and limits in the region: kind and name in lower case, how much. Raises CloudError."""
    subscription = f"/subscriptions/{cloud.plan.workspace.subscription_id}"
    path = f"{subscription}/providers/Microsoft.MachineLearningServices/locations/{cloud.location}/usages"
    for item in cloud.arm.items(path, arm.LOCATIONS, doing=doing):
        if isinstance(item.get("limit"), (int, float)):
            kind, name = item.get("type"), (item.get("name") or {}).get("value")
            number = Counted(int(item.get("currentValue") or 0), int(item["limit"]))
            yield str(kind or "").lower(), str(name or "").lower(), number
