"""Ends an upload at its time limit or when the run is asked to stop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from tui.common.deadlines import AwakeDeadline
from tui.engine.task_context import TaskContext
from tui.plan.rules.durations import words


@contextmanager
def upload_limit(task: TaskContext) -> Iterator[Callable[[], bool]]:
    """Yield a function that tells the upload inside whether to end: on a request to stop, or at the limit.

    After an early end, raises Stopped, or CloudError if the time was up.
    """
    from tui.cloud.errors import Cancelled, CloudError

    deadline = AwakeDeadline(task.limit("upload"))
    try:
        yield lambda: deadline.ended() or task.run.stop.is_set()
    except Cancelled:
        task.check_stop()
        raise CloudError(
            title=f"The upload took longer than {words(deadline.seconds)}",
            cause="Uploaded files stay in the workspace's storage; nothing was registered.",
            remedy="Apply again: the upload continues where it stopped. Set limits.upload in the plan for more time.",
            code="TimeLimit",
        ) from None
