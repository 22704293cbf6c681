"""Records a model version in the journal: before it is registered, when it is, or that it already existed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.engine.task_context import RUN_TAG, Outcome, TaskContext
from tui.plan.model import Model

if TYPE_CHECKING:
    from tui.cloud.assets.models import ModelVersion


def begin(task: TaskContext, model: Model) -> None:
    """Record that a version is about to be registered, so that a resumed run knows that it may exist."""
    task.start("create", model.name)
    task.intend("register", f"{task.plan.workspace.id}/models/{model.name}")


def made(task: TaskContext, version: ModelVersion) -> Outcome:
    """The outcome for a version that this task has registered."""
    named = f"{version.name}:{version.version}"
    task.created("model", named)
    task.log(f"Registered {version.name}, version {version.version}.")
    return Outcome(named, vars(version))


def there_already(task: TaskContext, known: ModelVersion, why: str) -> Outcome:
    """The outcome for an existing version, registered by this run before an interruption or by somebody else."""
    named = f"{known.name}:{known.version}"
    if task.run.begun.get(task.name) is not None and known.tags.get(RUN_TAG) == task.run.journal.run:
        task.start("create", known.name)
        task.created("model", named)
        task.log(f"{known.name}, version {known.version}, was registered before the interruption.")
        return Outcome(named, vars(known))
    task.start("skip", f"{known.name} {known.version}")
    task.log(f"{known.name}, version {known.version}, {why}")
    return Outcome(f"{named}, unchanged", vars(known), skipped=True)
