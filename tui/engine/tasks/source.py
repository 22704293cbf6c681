"""Registers a model that lies elsewhere: in place where the workspace can read it there, else staged and uploaded."""

from __future__ import annotations

from typing import Callable

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import model_version
from tui.engine.tasks.uploads import upload_limit


def work(task: TaskContext, source: str) -> Outcome:
    """Register what is at `source` unless a version made from the same files is there. Raises CloudError, Stopped."""
    with upload_limit(task) as ended:
        return _bring(task, source, ended)


def _bring(task: TaskContext, source: str, ended: Callable[[], bool]) -> Outcome:
    from tui.cloud.assets import models
    from tui.cloud.sources import staging

    model = task.plan.deployment.model
    found = staging.listing(task.cloud, source, ended)
    if found.exact != source:
        task.log(f"{source} is {found.exact}.")
    known = models.find(task.cloud, model.name, found.content, model.type)
    if known:
        return model_version.there_already(task, known, "was made from the same files; nothing is brought.")
    model_version.begin(task, model)
    if found.in_place:
        task.log(f"The workspace reads {source} where it lies; nothing is moved.")
        made = staging.register_in_place(task.cloud, model, found, task.run.tags)
    else:
        task.log(f"Bringing {len(found.items)} files from {found.exact}.")
        with staging.staged(found, task.progress, ended) as path:
            task.log("All files are here; they are uploaded to the workspace's storage.")
            made = models.register(
                task.cloud, model, path, found.content, progress=task.progress, cancelled=ended,
                tags=task.run.tags,
            )  # fmt: skip
        task.log("What was staged on this machine is removed.")
    return model_version.made(task, made)
