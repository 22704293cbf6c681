"""Uploads and registers the folder of the scoring script."""

from __future__ import annotations

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.uploads import upload_limit


def work(task: TaskContext) -> Outcome:
    """Register the code folder; an unchanged one is found by hash and not uploaded again. Raises CloudError."""
    from tui.cloud.assets import code

    configuration = task.plan.deployment.code_configuration
    if configuration is None:
        return Outcome("no scoring script", skipped=True)
    folder = configuration.code
    task.intend("register", f"{task.plan.workspace.id}/codes")
    found = code.find(task.cloud, folder)
    task.start("create" if found is None else "skip", folder.name)
    if found is None:
        with upload_limit(task) as ended:
            found = code.register(task.cloud, folder, task.progress, ended)
    verb = "already registered" if found.reused else "registered"
    task.log(f"Code {folder.name}: {verb}.")
    return Outcome(verb, {"id": found.id}, skipped=found.reused)
