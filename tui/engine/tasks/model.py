"""Uploads and registers the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.engine.context import RUN_TAG, Outcome, TaskContext
from tui.engine.tasks.uploads import UploadLimit
from tui.plan.model import Model

if TYPE_CHECKING:
    from tui.cloud.models import ModelVersion


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

    def creating() -> None:
        task.start("create", model.name)
        task.intend("register", f"{task.plan.workspace.id}/models/{model.name}")

    made = models.bring(task.cloud, model, path, task.progress, limit.ended, task.run.tags, creating)
    named = f"{made.name}:{made.version}"
    if not made.reused:
        task.created("model", named)
        task.log(f"Registered {made.name}, version {made.version}.")
        return Outcome(named, vars(made))
    return there_already(task, made, "has the same content; nothing is uploaded.")


def there_already(task: TaskContext, known: ModelVersion, why: str) -> Outcome:
    """The outcome with a version that is there: made by this run before an interruption, or by anybody before it."""
    named = f"{known.name}:{known.version}"
    if task.run.begun.get(task.name) is not None and known.tags.get(RUN_TAG) == task.run.journal.run:
        task.start("create", known.name)
        task.created("model", named)
        task.log(f"{known.name}, version {known.version}, was registered before the interruption.")
        return Outcome(named, vars(known))
    task.start("skip", f"{known.name} {known.version}")
    task.log(f"{known.name}, version {known.version}, {why}")
    return Outcome(f"{named}, unchanged", vars(known), skipped=True)
