"""Uploads and registers the model."""

from __future__ import annotations

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import model_version, source
from tui.engine.tasks.uploads import upload_limit


def work(task: TaskContext) -> Outcome:
    """Register the model, or reuse the version with the same content. Raises CloudError, Stopped."""
    from tui.cloud.assets import models

    model = task.plan.deployment.model
    if not model.given:
        return Outcome("none: image or script have it", skipped=True)
    if model.source:
        return source.work(task, model.source)
    if model.path is None:
        reference = str(model.registered)
        task.start("read", reference)
        found = models.resolve(task.cloud, reference)
        return Outcome(f"{found.name}:{found.version}, registered before", vars(found), skipped=True)
    read = model.path.name

    def progress(done: int, total: int) -> None:
        task.start("read", read)  # a large model is read, to find a version with the same content, before it is created
        task.progress(done, total)

    with upload_limit(task) as ended:
        made = models.bring(
            task.cloud, model, model.path, progress, ended, task.run.tags, lambda: model_version.begin(task, model)
        )
    if not made.reused:
        return model_version.made(task, made)
    return model_version.there_already(task, made, "has the same content; nothing is uploaded.")
