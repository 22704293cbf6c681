"""What is in the workspace, and what the plan would change there."""

from __future__ import annotations

from typing import Any

from tui.helper import sessions


def workspace(plan: dict[str, Any]) -> Any:
    """The workspace and its network mode."""
    from tui.cloud import workspace as workspaces

    return workspaces.read(sessions.cloud_of(plan))


def endpoint(plan: dict[str, Any], name: str | None = None) -> dict[str, Any]:
    """The plan's endpoint (or another of the workspace) as Azure has it, or only `{"exists": False}`."""
    from tui.cloud import endpoints
    from tui.helper.asking import plain

    cloud = sessions.cloud_of(plan)
    wanted = name or cloud.plan.endpoint.name
    found = endpoints.read(cloud, wanted) if wanted else None
    if found is None:
        return {"exists": False, "name": wanted, "deployments": [], "traffic": {}}
    return {"exists": True, **plain(found)}


def sizes(plan: dict[str, Any]) -> Any:
    """The sizes on offer with quota for the plan's number of instances."""
    from tui.cloud import sizes as table

    cloud = sessions.cloud_of(plan)
    return table.offers(cloud, cloud.plan.deployment.instance_count)


def changes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Create, change or skip, for every resource of the plan."""
    from tui.cloud import live
    from tui.plan.changes import changes as compare

    cloud = sessions.cloud_of(plan)
    found = live.read(cloud, cloud.plan)
    return [change.as_dict() for change in compare(cloud.plan, found.as_dict())]
