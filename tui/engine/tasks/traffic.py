"""Sends requests to the deployment: an endpoint without traffic answers 404."""

from __future__ import annotations

from tui.engine.context import Outcome, TaskContext
from tui.engine.tasks.operations import begin, follow, follow_begun, settle


def work(task: TaskContext) -> Outcome:
    """Set the plan's traffic where it is not set yet. Raises CloudError, OperationFailed, Stopped."""
    from tui.cloud import endpoints, traffic

    cloud, name, wanted = task.cloud, task.plan.endpoint.name, task.plan.traffic
    resource = endpoints.path(cloud, name)
    words = ", ".join(f"{deployment} {share} %" for deployment, share in wanted.items())
    done = follow_begun(
        task, resource, lambda started: endpoints.follow(cloud, name, started), f"traffic of endpoint {name}"
    )
    found = settle(task, lambda: endpoints.read(cloud, name), f"endpoint {name}")
    now = {key: share for key, share in (found.traffic if found else {}).items() if share}
    if now == {key: share for key, share in wanted.items() if share}:
        task.start("skip", words)
        if done:
            return Outcome(words, {"traffic": wanted})
        return Outcome(f"{words}, as it was", {"traffic": wanted}, skipped=True)
    task.start("change", words)
    follow(task, begin(task, "change", resource, lambda: traffic.begin_set(cloud, name, wanted, now)))
    task.log(f"Traffic: {words}.")
    return Outcome(words, {"traffic": wanted})
