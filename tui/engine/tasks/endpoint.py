"""Creates the endpoint, or changes what differs from the plan."""

from __future__ import annotations

from dataclasses import asdict

from tui.engine.operations import carry_out, follow_begun, refuse, settle
from tui.engine.task_context import Outcome, TaskContext
from tui.plan.planned_changes import endpoint_change


def work(task: TaskContext) -> Outcome:
    """Create the endpoint or bring it in line with the plan. Raises CloudError, OperationFailed, Stopped."""
    from tui.cloud.endpoints import endpoints
    from tui.cloud.workspace.workspace import portal_url

    wanted, cloud = task.plan.endpoint, task.cloud
    resource = endpoints.path(cloud, wanted.name)
    done = follow_begun(
        task, resource, lambda started: endpoints.follow(cloud, wanted.name, started), f"endpoint {wanted.name}"
    )
    found = settle(task, lambda: endpoints.read(cloud, wanted.name), f"endpoint {wanted.name}")
    change = endpoint_change(task.plan, asdict(found) if found else None)
    refuse(change)
    portal = portal_url(cloud, wanted.name)
    if change.action == "skip" and found:
        task.start("skip", change.why)
        result = {"id": found.id, "scoring_uri": found.scoring_uri, "portal_url": portal}
        if done:
            task.log(f"Endpoint {found.name} is {found.provisioning_state}: {found.scoring_uri}")
            return Outcome("created" if done == "create" else "changed", result)
        return Outcome(f"{wanted.name}, unchanged", result, skipped=True)
    words = ", ".join(f"{item.field}: {item.before or 'nothing'} → {item.after}" for item in change.changes)
    task.start(change.action, wanted.name)
    task.log(f"Changing {words}." if found and words else f"Creating the endpoint {wanted.name}.")
    made = carry_out(
        task,
        change.action,
        resource,
        lambda: endpoints.begin_create_or_update(cloud, wanted, task.run.tags),
        lambda: None if found else task.created("endpoint", wanted.name),
    )
    task.log(f"Endpoint {made.name} is {made.provisioning_state}: {made.scoring_uri}")
    result = {"id": made.id, "scoring_uri": made.scoring_uri, "portal_url": portal}
    return Outcome(words or "created", result)
