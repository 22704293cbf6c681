"""Uploads and registers the model."""

from __future__ import annotations

from pathlib import Path

from tui.engine.context import RUN_TAG, Outcome, TaskContext
from tui.engine.tasks.uploads import UploadLimit
from tui.plan.model import Model


def work(task: TaskContext) -> Outcome:
    """Register the model unless a version with the same content is there. Raises CloudError, Stopped."""
    from tui.cloud import models
    from tui.cloud.errors import Cancelled

    model = task.plan.deployment.model
    if model.source:
        from tui.engine.tasks import source

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
    from tui.cloud import models

    stopped = limit.ended
    content = models.content_hash(path, stopped)
    known = models.find(task.cloud, model.name, content, model.type)
    if known:
        begun = task.run.begun.get(task.name)
        if begun is not None and known.tags.get(RUN_TAG) == task.run.journal.run:
            task.start("create", model.name)
            task.created("model", f"{known.name}:{known.version}")
            task.log(f"{known.name}, version {known.version}, was registered before the interruption.")
            return Outcome(f"{known.name}:{known.version}", vars(known))
        task.start("skip", f"{model.name} {known.version}")
        task.log(f"{known.name}, version {known.version}, has the same content; nothing is uploaded.")
        return Outcome(f"{known.name}:{known.version}, unchanged", vars(known), skipped=True)
    task.start("create", model.name)
    task.intend("register", f"{task.plan.workspace.id}/models/{model.name}")
    made = models.register(
        task.cloud, model, path, content, progress=task.progress, cancelled=stopped, tags=task.run.tags
    )
    task.created("model", f"{made.name}:{made.version}")
    task.log(f"Registered {made.name}, version {made.version}.")
    return Outcome(f"{made.name}:{made.version}", vars(made))
