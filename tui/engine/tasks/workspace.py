"""Reads the workspace: region, network isolation, portal URL."""

from __future__ import annotations

from dataclasses import asdict

from tui.engine.task_context import Outcome, TaskContext


def work(task: TaskContext) -> Outcome:
    """Read the plan's workspace. Raises CloudError if it is not found or access is denied."""
    from tui.cloud.workspace import workspace

    task.start("read", task.plan.workspace.name)
    found = workspace.read(task.cloud)
    task.cloud.remember_location(found.location)
    task.log(found.explain)
    return Outcome(f"{found.name} in {found.location}", asdict(found))
