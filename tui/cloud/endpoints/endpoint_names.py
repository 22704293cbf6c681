"""Checks whether an endpoint's name is free in the region, as far as the identity can see.

A name is unique within an Azure region, among all customers' endpoints (Microsoft, concept-endpoints-online). Azure has
no operation to check a name in advance; what can be checked is each workspace that the identity sees.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.workspace.listing import each, group_of, why_not, workspaces_below

MOST_WORKSPACES = 40
SECONDS = 15.0  # after which no further workspace is checked
_AT_ONCE = 8


@dataclass(frozen=True)
class NameInRegion:
    """Where a name is used: `state` is yours (in this workspace), taken (in another one) or unseen.

    `workspace`, `resource_group` and `id` are those of the workspace that uses it; `asked` is the number of other
    workspaces of the region that answered, `silent` of those that did not; `reason` is why they could not be listed.
    """

    name: str
    region: str
    state: str
    workspace: str = ""
    resource_group: str = ""
    id: str = ""
    asked: int = 0
    silent: int = 0
    reason: str = ""


def look(cloud: Cloud, name: str) -> NameInRegion:
    """Check the plan's workspace, then the others of its region in the subscription. Raises CloudError."""
    scope = cloud.plan.workspace
    here = cloud.arm.find(f"{cloud.workspace_id}/onlineEndpoints/{name}", arm.ENDPOINTS, doing=f"looking for {name}")
    if here is not None:
        return NameInRegion(name, cloud.location, "yours", scope.name, scope.resource_group, cloud.workspace_id)
    return elsewhere(cloud, name)


def elsewhere(cloud: Cloud, name: str) -> NameInRegion:
    """Check the other workspaces of the region that this identity sees in the subscription. Raises CloudError."""
    region = cloud.location
    try:
        bodies = list(workspaces_below(cloud, f"/subscriptions/{cloud.plan.workspace.subscription_id}"))
    except CloudError as error:
        return NameInRegion(name, region, "unseen", reason=why_not("The region's other workspaces", error))
    here = [str(body.get("id") or "") for body in bodies if _region(body.get("location")) == _region(region)]
    others = [workspace for workspace in here if workspace.lower() not in ("", cloud.workspace_id.lower())]
    until = time.monotonic() + SECONDS

    def ask(workspace: str) -> bool | None:
        if time.monotonic() > until:
            return None
        try:
            return cloud.arm.find(f"{workspace}/onlineEndpoints/{name}", arm.ENDPOINTS) is not None
        except CloudError:
            return None

    answers = each(ask, others[:MOST_WORKSPACES], _AT_ONCE)
    asked = len(answers) - answers.count(None)
    for workspace, has in zip(others, answers):
        if has:
            owner = workspace.rpartition("/")[2]
            return NameInRegion(
                name, region, "taken", owner, group_of(workspace), workspace, asked, len(others) - asked
            )
    return NameInRegion(name, region, "unseen", asked=asked, silent=len(others) - asked)


def _region(location: Any) -> str:
    """`East US` and `eastus` are the same region."""
    return str(location or "").replace(" ", "").lower()
