"""The limit of an upload, beside the wish to stop."""

from __future__ import annotations

from typing import NoReturn

from tui.common.deadlines import AwakeDeadline
from tui.engine.task_context import Stopped, TaskContext
from tui.plan.rules.durations import words


class UploadLimit:
    """Tells an upload to end when the run is asked to stop or its time is up."""

    def __init__(self, task: TaskContext) -> None:
        self._task = task
        self._deadline = AwakeDeadline(task.limit("upload"))
        self._late = False

    def ended(self) -> bool:
        """Whether the upload should end now; it asks again and again."""
        self._late = self._late or self._deadline.ended()
        return self._late or self._task.run.stop.is_set()

    def give_up(self) -> NoReturn:
        """After an upload that ended early: raise Stopped, or CloudError when its time was up."""
        from tui.cloud.errors import CloudError

        if self._task.run.stop.is_set() or not self._late:
            raise Stopped from None
        raise CloudError(
            title=f"The upload took longer than {words(self._deadline.seconds)}",
            cause="What has arrived stays in the workspace's storage; nothing was registered.",
            remedy="Apply again: it goes on where it stopped. limits.upload in the plan gives it more time.",
            code="TimeLimit",
        ) from None
