"""Registers a model from another source: in place if the workspace can read it there, else staged and uploaded."""

from __future__ import annotations

from typing import Callable

from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks import model_version
from tui.engine.tasks.uploads import upload_limit


def work(task: TaskContext, source: str) -> Outcome:
    """Register the model at `source`, or reuse the version made from the same files. Raises CloudError, Stopped."""
    with upload_limit(task) as ended:
        return _bring(task, source, ended)


def _bring(task: TaskContext, source: str, ended: Callable[[], bool]) -> Outcome:
    from tui.cloud.assets import models
    from tui.cloud.sources import staging

    model = task.plan.deployment.model
    found = staging.listing(task.cloud, source, ended)
    if found.exact != source:
        task.log(f"{source} is {found.exact}.")
    known = models.find(task.cloud, model, found.content)
    if known:
        return model_version.there_already(task, known, "was made from the same files; nothing is copied.")
    model_version.begin(task, model)
    if found.in_place:
        task.log(f"The workspace reads {source} in place; nothing is copied.")
        made = staging.register_in_place(task.cloud, model, found, task.run.tags)
    else:
        task.log(f"Copying {len(found.items)} {'file' if len(found.items) == 1 else 'files'} from {found.exact}.")
        with staging.staged(found, task.progress, ended) as path:
            task.log("All files are on this machine; uploading them to the workspace's storage.")
            made = models.register(
                task.cloud, model, path, found.content, progress=task.progress, cancelled=ended,
                tags=task.run.tags,
            )  # fmt: skip
        task.log("The staged files are removed from this machine.")
    return model_version.made(task, made)
