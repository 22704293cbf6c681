"""What the plan's deployment costs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tui.cloud.workspace import prices, workspace
from tui.helper import sessions


def cost(plan: dict[str, Any]) -> dict[str, Any]:
    """Price an hour and a month in the workspace's region, where from, and what comes on top. Raises CloudError."""
    cloud = sessions.cloud_of(plan)
    place = workspace.read(cloud)
    wanted = cloud.plan.deployment
    found = prices.estimate(
        wanted.instance_type,
        wanted.instance_count,
        place.location,
        private=cloud.plan.endpoint.public_network_access == "disabled",
        managed_network=place.isolation == "managed_network",
        ask=cloud.metadata.built_in,
    )
    return {**asdict(found), "extras": list(found.extras)}
