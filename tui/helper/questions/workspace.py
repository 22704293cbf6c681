"""Reads the workspace and its resources, and computes the plan's changes."""

from __future__ import annotations

from typing import Any, Callable

from tui.helper import sessions


def workspace(plan: dict[str, Any]) -> dict[str, Any]:
    """The workspace, its network mode, and its private endpoints by name.

    `private_endpoints_reason` says why the private endpoints are unknown; empty if they are known.
    """
    from tui.cloud.workspace import listing
    from tui.cloud.workspace import workspace as workspaces
    from tui.helper.dispatch import plain

    cloud = sessions.cloud_of(plan)
    found = plain(workspaces.read(cloud))
    reason = ""
    if not found.get("private_endpoints_told"):  # what the workspace reports depends on the API version
        listed = listing.private_endpoints(cloud)
        found["private_endpoints"] = {item.label: item.detail for item in listed.items}
        reason = listed.reason
    return {**found, "private_endpoints_reason": reason}


def endpoint_name(plan: dict[str, Any], name: str | None = None) -> Any:
    """Whether the endpoint's name is used in the region, as far as the identity can see."""
    from tui.cloud.endpoints import endpoint_names

    cloud = sessions.cloud_of(plan)
    return endpoint_names.look(cloud, name or cloud.plan.endpoint.name)


def endpoint(plan: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """The state in Azure of the plan's endpoint (or another of the workspace), or `{"exists": False}`."""
    from tui.cloud.endpoints import endpoints
    from tui.helper.dispatch import plain

    cloud = sessions.cloud_of(plan)
    wanted = name or cloud.plan.endpoint.name
    found = endpoints.read(cloud, wanted) if wanted else None
    if found is None:
        return {"exists": False, "name": wanted, "deployments": [], "traffic": {}}
    return {"exists": True, **plain(found)}


def sizes(plan: dict[str, Any]) -> Any:
    """The offered sizes with quota for the plan's number of instances."""
    from tui.cloud.workspace import sizes as table

    cloud = sessions.cloud_of(plan)
    return table.offers(cloud, cloud.plan.deployment.instance_count)


def changes(
    plan: dict[str, Any], progress: Callable[[int, int], None] = lambda done, total: None
) -> list[dict[str, Any]]:
    """The planned change (create, change or skip) of every resource of the plan.

    `progress` receives bytes done and in total while the model's files are read, on several threads.
    """
    from tui.cloud.endpoints import live_state
    from tui.plan.planned_changes import changes as compare

    cloud = sessions.cloud_of(plan)
    found = live_state.read(cloud, cloud.plan, progress)
    return [change.as_dict() for change in compare(cloud.plan, found.as_dict())]
