"""The limit of an upload, beside the wish to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from tui.common.deadlines import AwakeDeadline
from tui.engine.task_context import TaskContext
from tui.plan.rules.durations import words


@contextmanager
def upload_limit(task: TaskContext) -> Iterator[Callable[[], bool]]:
    """An upload inside asks again and again, by the value, whether it should end: on a wish to stop, or at the limit.

    When it has ended early, Stopped is raised, or CloudError when its time was up.
    """
    from tui.cloud.errors import Cancelled, CloudError

    deadline = AwakeDeadline(task.limit("upload"))
    try:
        yield lambda: deadline.ended() or task.run.stop.is_set()
    except Cancelled:
        task.check_stop()
        raise CloudError(
            title=f"The upload took longer than {words(deadline.seconds)}",
            cause="What has arrived stays in the workspace's storage; nothing was registered.",
            remedy="Apply again: it goes on where it stopped. limits.upload in the plan gives it more time.",
            code="TimeLimit",
        ) from None
