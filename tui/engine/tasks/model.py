"""Uploads and registers the model."""

from __future__ import annotations

from pathlib import Path

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import model_version, source
from tui.engine.tasks.uploads import UploadLimit
from tui.plan.model import Model


def work(task: TaskContext) -> Outcome:
    """Register the model unless a version with the same content is there. Raises CloudError, Stopped."""
    from tui.cloud.assets import models
    from tui.cloud.errors import Cancelled

    model = task.plan.deployment.model
    if model.source:
        return source.work(task, model.source)
    if model.registered or model.path is None:
        task.start("read", model.registered or model.name)
        found = models.resolve(task.cloud, model.registered or "")
        return Outcome(f"{found.name}:{found.version}, registered before", vars(found), skipped=True)
    limit = UploadLimit(task)
    try:
        return _bring(task, model, model.path, limit)
    except Cancelled:
        limit.give_up()


def _bring(task: TaskContext, model: Model, path: Path, limit: UploadLimit) -> Outcome:
    """Find the version with this content, or upload and register one. Raises CloudError, Cancelled."""
    from tui.cloud.assets import models

    made = models.bring(
        task.cloud, model, path, task.progress, limit.ended, task.run.tags, lambda: model_version.begin(task, model)
    )
    if not made.reused:
        return model_version.made(task, made)
    return model_version.there_already(task, made, "has the same content; nothing is uploaded.")
