"""Sets the autoscale rules of a deployment in Azure Monitor, if its plan has them and they differ."""

from __future__ import annotations

from tui.engine.operations import ask
from tui.engine.task_context import RUN_TAG, Outcome, TaskContext
from tui.plan.autoscale import limits_in_words


def work(task: TaskContext) -> Outcome:
    """Set the plan's rules, in the deployment's setting if it has one. Raises CloudError, Stopped.

    The request can be repeated: after an interruption, Azure's setting shows whether it was made.
    """
    from tui.cloud.endpoints import endpoints, scaling

    cloud, wanted = task.cloud, task.plan.deployment
    assert wanted.autoscale is not None
    endpoint = endpoints.path(cloud, task.plan.endpoint.name)
    there = scaling.of_deployment(cloud, endpoint, wanted.name)
    location = str(task.run.result("workspace", "location") or "")
    body = scaling.wanted_setting(endpoint, wanted, there, location, task.run.tags)
    said = limits_in_words(wanted.autoscale.minimum, wanted.autoscale.maximum)
    if body is None and there is not None:
        task.start("skip", "It matches the plan.")
        begun = task.run.begun.get(task.name)
        if begun is not None and there.tags.get(RUN_TAG) in (None, task.run.journal.run):
            return Outcome(said, {"setting": there.name})
        return Outcome(f"{there.name}, unchanged", {"setting": there.name}, skipped=True)
    assert body is not None
    name = body["properties"]["name"]
    action = "change" if there else "create"
    task.start(action, f"{wanted.name}, {said}")
    task.log(f"{'Changing' if there else 'Creating'} the autoscale setting {name} of {wanted.name}: {said}.")
    ask(task, action, scaling.path(cloud, name), lambda: scaling.put(cloud, body))
    if there is None:
        task.created("autoscale", name)
    return Outcome(said, {"setting": name})
