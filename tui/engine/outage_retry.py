"""Repeats a task after an outage: a name that does not resolve, a lost network, a service that is down."""

from __future__ import annotations

from typing import Callable
from urllib.parse import urlsplit

from tui.common.deadlines import AwakeDeadline
from tui.engine.journal.journal import Journal
from tui.engine.resume_state import resume_state
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.time_limits import OUTAGE_SECONDS

_PASSING = (429, 502, 503, 504)
GATES = ("sign-in", "workspace")
"""The first tasks, which are not repeated: a failure to reach Azure at the start is reported at once."""


def through_outages(task: TaskContext, work: Callable[[TaskContext], Outcome]) -> Outcome:
    """Do a task's work, and repeat it if Azure became unreachable in the meantime.

    Every task first reads Azure's state and follows operations that it has started, as after an interruption, so that
    nothing is done twice. By then, single calls have been retried several times. Raises what the work raises.
    """
    from tui.cloud.errors import CloudError
    from tui.cloud.http.retry_policy import delay

    deadline, tried = AwakeDeadline(OUTAGE_SECONDS), 0
    while True:
        try:
            return work(task)
        except CloudError as error:
            if task.name in GATES or not passes(task, error) or deadline.ended():
                raise
            seconds = delay("outage", tried)
            tried += 1
            task.retrying(error.title, seconds)
            for _ in range(int(seconds)):
                task.sleep(1)
                deadline.ended()
            task.run.begun.update(resume_state(Journal(task.run.folder).read()).begun)


def passes(task: TaskContext, error: Exception) -> bool:
    """Whether the error is an outage of Resource Manager or of the sign-in, which this run has reached before."""
    status, code = getattr(error, "status", None), getattr(error, "code", None)
    if status in _PASSING:
        return code is None or not str(code).startswith("scoring-")
    hosts = [urlsplit(url).hostname for url in (task.cloud.metadata.resource_manager, task.cloud.metadata.login)]
    text = f"{error} {getattr(error, 'raw', '')}"
    return code == "Unreachable" and any(host and host in text for host in hosts) and "certificate" not in text.lower()
