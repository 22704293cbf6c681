"""What a run writes down of a version of the model: before it is registered, when it is, and where it was before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.engine.task_context import RUN_TAG, Outcome, TaskContext
from tui.plan.model import Model

if TYPE_CHECKING:
    from tui.cloud.assets.models import ModelVersion


def begin(task: TaskContext, model: Model) -> None:
    """A version is about to be registered; a run that is resumed knows by this that one may be there."""
    task.start("create", model.name)
    task.intend("register", f"{task.plan.workspace.id}/models/{model.name}")


def made(task: TaskContext, version: ModelVersion) -> Outcome:
    """The outcome with a version that this task has just registered."""
    named = f"{version.name}:{version.version}"
    task.created("model", named)
    task.log(f"Registered {version.name}, version {version.version}.")
    return Outcome(named, vars(version))


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
