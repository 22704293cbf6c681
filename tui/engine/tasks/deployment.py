"""Creates the deployment, or changes what differs from the plan, and shows its logs while Azure works."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from tui.engine.operations import ask, carry_out, follow_begun, refuse, settle
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.logs import followed
from tui.plan.autoscale_settings import count_after
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
    dropped = _without_rules(task, found)
    plan = replace(task.plan, deployment=wanted)
    ids = {kind: task.result(kind, "id") for kind in ("model", "code", "environment")}
    known = {kind: value for kind, value in ids.items() if value}
    change = deployment_change(plan, asdict(found) if found else None, known)
    refuse(change)
    if change.action == "skip":
        task.start("skip", change.why)
        result = _result(task, found.id if found else "")
        if done:
            task.log(f"Deployment {wanted.name} is ready.")
            return Outcome("created" if done == "create" else "changed", result)
        if dropped:
            return Outcome(dropped, result)
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
    return Outcome(", ".join(filter(None, (words or "created", dropped))), _result(task, made.id))


def _autoscaled(task: TaskContext, found: DeploymentInfo | None) -> tuple[DeploymentInfo | None, Deployment]:
    """The deployment with its autoscale setting, and the planned one with the instance count that rules keep."""
    from tui.cloud.endpoints import endpoints, scaling
    from tui.cloud.errors import CloudError

    wanted = task.plan.deployment
    if found is None:
        return None, wanted
    endpoint = endpoints.path(task.cloud, task.plan.endpoint.name)
    try:
        (found,) = scaling.with_rules(task.cloud, endpoint, [found], task.plan)
    except CloudError as error:
        if found.instance_count != wanted.instance_count and wanted.autoscale is None:
            told = "whether an autoscale rule sets the instance count is unknown; the plan's is used."
            task.log(f"{error.title}: {told}")
    if found.autoscale and found.instance_count != wanted.instance_count:
        rule = found.autoscale["name"]
        task.log(f"The autoscale rule {rule} sets the instance count of {found.name}, now {found.instance_count}.")
    return found, replace(wanted, instance_count=count_after(wanted.autoscale, wanted.instance_count, asdict(found)))


def _without_rules(task: TaskContext, found: DeploymentInfo | None) -> str:
    """Remove the setting that a run made for this deployment if the plan no longer has rules; what was done, or ""."""
    from tui.cloud.endpoints import deployments, scaling

    setting = found and found.autoscale_setting
    if not setting or task.plan.deployment.autoscale or deployments.MADE_TAG not in (setting.get("tags") or {}):
        return ""
    name = str(setting["name"])
    task.start("change", f"{task.plan.deployment.name}, without autoscale rules")
    task.log(f"Removing the autoscale setting {name}, which the plan no longer has.")
    ask(task, "change", scaling.path(task.cloud, name), lambda: scaling.delete(task.cloud, name))
    return f"autoscale setting {name} removed"


def _result(task: TaskContext, deployment_id: str) -> dict[str, str]:
    from tui.cloud.endpoints import endpoints

    address, environment = task.run.result("endpoint", "scoring_uri"), task.plan.deployment.environment
    if environment.inference_config or environment.registered:
        # The endpoint's address ends in the scoring route of its container, so it is known only now.
        found = endpoints.read(task.cloud, task.plan.endpoint.name, deployments=False)
        address = (found.scoring_uri if found else None) or address
    return {"id": deployment_id, "scoring_uri": address}
