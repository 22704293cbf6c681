"""Estimates the cost of the plan's deployment."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tui.cloud.workspace import prices, workspace
from tui.helper import sessions


def cost(plan: dict[str, Any]) -> dict[str, Any]:
    """The price per hour and month in the workspace's region, its source, and extra costs. Raises CloudError."""
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
