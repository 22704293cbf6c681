"""Reads usage and limits of endpoints, deployments and cores in a subscription's region.

The limits are from Microsoft's how-to-manage-quotas (100 endpoints and 500 deployments a subscription and region,
20 deployments an endpoint, 50 instances a deployment); Azure raises them on request, so the service's own
figures take precedence.
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
    """A usage figure: the current number and the limit."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        """The number left below the limit."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class Usage:
    """The service's figures for the region; None for those that it does not report."""

    endpoints: Counted | None = None
    deployments: Counted | None = None
    all_cores: Counted | None = None


def usage(cloud: Cloud) -> Usage:
    """Endpoints, deployments and dedicated cores of the workspace's region. Raises CloudError."""
    # TotalDedicatedCores appears in published responses. That endpoints and deployments are counted here under these
    # names is an assumption: if they are not, nothing is reported about them.
    found: dict[str, Counted] = {}
    for _, name, number in counted(cloud, "reading the region's usage"):
        if number.limit >= 0:
            found.setdefault(name.replace(" ", ""), number)
    return Usage(found.get("onlineendpoints"), found.get("onlinedeployments"), found.get("totaldedicatedcores"))


def counted(cloud: Cloud, doing: str) -> Iterator[tuple[str, str, Counted]]:
    """The service's usage figures of the region: kind and name in lower case, figure. Raises CloudError."""
    subscription = f"/subscriptions/{cloud.plan.workspace.subscription_id}"
    path = f"{subscription}/providers/Microsoft.MachineLearningServices/locations/{cloud.location}/usages"
    for item in cloud.arm.items(path, arm.LOCATIONS, doing=doing):
        if isinstance(item.get("limit"), (int, float)):
            kind, name = item.get("type"), (item.get("name") or {}).get("value")
            number = Counted(int(item.get("currentValue") or 0), int(item["limit"]))
            yield str(kind or "").lower(), str(name or "").lower(), number
