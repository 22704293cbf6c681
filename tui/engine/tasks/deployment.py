"""Creates the deployment, or changes what differs from the plan, and shows its logs while Azure works."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from tui.engine.operations import carry_out, follow_begun, refuse, settle
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.logs import followed
from tui.plan.model import Deployment
from tui.plan.planned_changes import deployment_change

if TYPE_CHECKING:
    from tui.cloud.endpoints.deployments import DeploymentInfo
    from tui.cloud.http.operation import Operation


def work(task: TaskContext) -> Outcome:
    """Create the deployment or bring it in line with the plan. Raises CloudError, OperationFailed, Stopped."""
    from tui.cloud.endpoints import deployments

    cloud, endpoint, wanted = task.cloud, task.plan.endpoint.name, task.plan.deployment
    resource = deployments.path(cloud, endpoint, wanted.name)
    # An earlier engine of the run may have started an operation on the deployment.
    with followed(task) if task.name in task.run.begun else nullcontext():
        done = follow_begun(
            task,
            resource,
            lambda started: deployments.follow(cloud, endpoint, wanted.name, started),
            f"deployment {wanted.name}",
        )
        found = settle(task, lambda: deployments.read(cloud, endpoint, wanted.name), f"deployment {wanted.name}")
    found, wanted = _autoscaled(task, found)
    plan = replace(task.plan, deployment=wanted)
    ids = {kind: task.result(kind, "id") for kind in ("model", "code", "environment")}
    known = {kind: value for kind, value in ids.items() if value}
    change = deployment_change(task.plan, asdict(found) if found else None, known)
    refuse(change)
    if change.action == "skip":
        task.start("skip", change.why)
        result = _result(task, found.id if found else "")
        if done:
            task.log(f"Deployment {wanted.name} is ready.")
            return Outcome("created" if done == "create" else "changed", result)
        return Outcome(f"{wanted.name}, unchanged", result, skipped=True)
    # What a variable was in Azure may be a secret that only an earlier plan referred to.
    words = ", ".join(
        item.field if item.field.startswith("environment_variables.") else f"{item.field}: {item.before} → {item.after}"
        for item in change.changes
    )
    task.start(change.action, f"{wanted.name}, {wanted.instance_count} × {wanted.instance_type}")
    task.log(f"Changing {words}. {change.how}".strip() if words else f"Creating the deployment {wanted.name}.")
    assets = deployments.AssetIds(model=ids["model"], environment=ids["environment"], code=ids["code"])

    def send() -> Operation[DeploymentInfo]:
        if change.in_place:
            tags = {**wanted.tags, **task.run.tags}
            return deployments.begin_scale(cloud, endpoint, wanted.name, wanted.instance_count, tags)
        return deployments.begin_create_or_update(cloud, plan, assets, task.run.tags)

    with followed(task):
        made = carry_out(
            task, change.action, resource, send, lambda: None if found else task.created("deployment", wanted.name)
        )
    task.log(f"Deployment {wanted.name} is ready.")
    return Outcome(words or "created", _result(task, made.id))


def _autoscaled(task: TaskContext, found: DeploymentInfo | None) -> tuple[DeploymentInfo | None, Deployment]:
    """The deployment with its active autoscale rule, and the planned one, which then keeps the instance count."""
    from tui.cloud.endpoints import endpoints, scaling
    from tui.cloud.errors import CloudError

    wanted = task.plan.deployment
    if found is None:
        return None, wanted
    endpoint = endpoints.path(task.cloud, task.plan.endpoint.name)
    try:
        (found,) = scaling.with_rules(task.cloud, endpoint, [found], {found.name: wanted.instance_count})
    except CloudError as error:
        task.log(f"{error.title}: whether an autoscale rule sets the instance count is unknown; the plan's is used.")
    if not found.autoscale:
        return found, wanted
    task.log(f"The autoscale rule {found.autoscale['name']} keeps {found.instance_count} instances of {found.name}.")
    return found, replace(wanted, instance_count=found.instance_count)


def _result(task: TaskContext, deployment_id: str) -> dict[str, str]:
    from tui.cloud.endpoints import endpoints

    address, environment = task.run.result("endpoint", "scoring_uri"), task.plan.deployment.environment
    if environment.inference_config or environment.registered:
        # The endpoint's address ends in the scoring route of its container, so it is known only now.
        found = endpoints.read(task.cloud, task.plan.endpoint.name, deployments=False)
        address = (found.scoring_uri if found else None) or address
    return {"id": deployment_id, "scoring_uri": address}
