"""Registers the environment; its image is built when a deployment first uses it."""

from __future__ import annotations

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.uploads import upload_limit


def work(task: TaskContext) -> Outcome:
    """Register the environment, or reuse the version with the same content. Raises CloudError, Stopped."""
    from tui.cloud.assets import environments

    environment = task.plan.deployment.environment
    if not environment.given:
        return Outcome("none: Azure has one for the model's type", skipped=True)
    task.intend("register", f"{task.plan.workspace.id}/environments/{environment.name}")
    found = environments.find(task.cloud, environment)
    reused = found is not None
    task.start("skip" if reused else "create", environment.registered or environment.name)
    if found is None:
        with upload_limit(task) as ended:  # a build context is uploaded
            found = environments.register(task.cloud, environment, progress=task.progress, cancelled=ended)
        reused = found.reused
    verb = "already registered" if reused else "registered"
    task.log(f"Environment {found.name}, version {found.version}, {verb}.")
    result = {"id": found.id, "name": found.name, "version": found.version}
    return Outcome(f"{found.name}:{found.version}, {verb}", result, skipped=reused)
