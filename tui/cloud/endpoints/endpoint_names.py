"""Whether an endpoint's name is free in the region, as far as the identity can see.

A name is unique within an Azure region, among everybody's endpoints (Microsoft, concept-endpoints-online). There is no
operation that asks for a name before it is used; what can be asked is each workspace that the identity sees.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.workspace.listing import group_of, why_not

MOST_WORKSPACES = 40
SECONDS = 15.0  # after which no further workspace is asked
_AT_ONCE = 4


@dataclass(frozen=True)
class NameInRegion:
    """Where a name is: `state` is yours (this workspace has it), taken (another one has it) or unseen.

    `asked` counts the other workspaces of the region that were asked, `silent` those that gave no answer; `reason`
    says why the workspaces could not be listed.
    """

    name: str
    region: str
    state: str
    workspace: str = ""
    resource_group: str = ""
    asked: int = 0
    silent: int = 0
    reason: str = ""


def look(cloud: Cloud, name: str) -> NameInRegion:
    """Asks the plan's workspace, then the others of its region in the subscription. Raises CloudError."""
    scope = cloud.plan.workspace
    here = cloud.arm.find(f"{cloud.workspace_id}/onlineEndpoints/{name}", arm.ENDPOINTS, doing=f"looking for {name}")
    region = cloud.location
    if here is not None:
        return NameInRegion(name, region, "yours", scope.name, scope.resource_group)
    path = f"/subscriptions/{scope.subscription_id}/providers/Microsoft.MachineLearningServices/workspaces"
    try:
        bodies = list(islice(cloud.arm.items(path, arm.WORKSPACES), 10 * MOST_WORKSPACES))
    except CloudError as error:
        return NameInRegion(name, region, "unseen", reason=why_not("The region's other workspaces", error))
    others = [
        str(body["id"])
        for body in bodies
        if _region(body.get("location")) == _region(region) and str(body["id"]).lower() != cloud.workspace_id.lower()
    ]
    skipped = max(0, len(others) - MOST_WORKSPACES)
    until = time.monotonic() + SECONDS

    def ask(workspace: str) -> bool | None:
        if time.monotonic() > until:
            return None
        try:
            return cloud.arm.find(f"{workspace}/onlineEndpoints/{name}", arm.ENDPOINTS) is not None
        except CloudError:
            return None

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="names") as pool:
        answers = list(pool.map(ask, others[:MOST_WORKSPACES]))
    silent = answers.count(None) + skipped
    asked = len(others) - silent
    for workspace, has in zip(others, answers):
        if has:
            owner = workspace.rpartition("/")[2]
            return NameInRegion(name, region, "taken", owner, group_of(workspace), asked, silent)
    return NameInRegion(name, region, "unseen", asked=asked, silent=silent)


def _region(location: Any) -> str:
    """`East US` and `eastus` are the same region."""
    return str(location or "").replace(" ", "").lower()
