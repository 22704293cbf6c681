"""Uploads and registers the folder of the scoring script."""

from __future__ import annotations

from tui.engine.context import Outcome, TaskContext
from tui.engine.tasks.uploads import UploadLimit


def work(task: TaskContext) -> Outcome:
    """Register the code folder; an unchanged one is found by its hash and not uploaded again. Raises CloudError."""
    from tui.cloud import code
    from tui.cloud.errors import Cancelled

    configuration = task.plan.deployment.code_configuration
    if configuration is None:
        return Outcome("no scoring script", skipped=True)
    name = configuration.code.name

    def progress(done: int, total: int) -> None:
        task.start("create", name)
        task.progress(done, total)

    task.intend("register", f"{task.plan.workspace.id}/codes")
    limit = UploadLimit(task)
    try:
        found = code.register(task.cloud, configuration.code, progress, limit.ended)
    except Cancelled:
        limit.give_up()
    task.start("skip" if found.reused else "create", name)
    verb = "already registered" if found.reused else "registered"
    task.log(f"Code {configuration.code.name}: {verb}.")
    return Outcome(verb, {"id": found.id}, skipped=found.reused)
