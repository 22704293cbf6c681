"""Sends requests to the deployment: an endpoint without traffic answers 404."""

from __future__ import annotations

from tui.engine.context import Outcome, TaskContext
from tui.engine.tasks.operations import follow


def work(task: TaskContext) -> Outcome:
    """Set the plan's traffic where it is not set yet. Raises CloudError."""
    from tui.cloud import endpoints, traffic

    name = task.plan.endpoint.name
    wanted = task.plan.traffic
    words = ", ".join(f"{deployment} {share} %" for deployment, share in wanted.items())
    found = endpoints.read(task.cloud, name)
    now = {key: share for key, share in (found.traffic if found else {}).items() if share}
    if now == {key: share for key, share in wanted.items() if share}:
        task.start("skip", words)
        return Outcome(f"{words}, as it was", {"traffic": wanted}, skipped=True)
    task.start("change", words)
    follow(task, traffic.begin_set(task.cloud, name, wanted))
    task.log(f"Traffic: {words}.")
    return Outcome(words, {"traffic": wanted})
