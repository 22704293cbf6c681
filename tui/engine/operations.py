"""Starts and follows Azure's long-running operations, and finds them again after an interruption by the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from tui.common.deadlines import AwakeDeadline
from tui.engine.task_context import TaskContext
from tui.plan.planned_changes import Change

if TYPE_CHECKING:
    from tui.cloud.http.operation import Operation

Resource = TypeVar("Resource")
Made = TypeVar("Made")


def carry_out(
    task: TaskContext,
    operation: str,
    resource_id: str,
    send: Callable[[], Operation[Made]],
    begun: Callable[[], None] = lambda: None,
) -> Made:
    """Record the intent, send the request, record Azure's operation, and follow the operation to its end.

    Repeats if another change to the resource was in progress. `operation` is create or change; `begun` is called when
    Azure has accepted it. Raises what `send` raises,
    OperationFailed, Stopped (the operation continues in Azure), CloudError at the task's limit or if the journal cannot
    be written, since an operation that is not recorded could not be found after an interruption.
    """
    from tui.cloud.http.run_operation import run_operation

    def asked() -> Operation[Made]:
        started = send()
        task.began(resource_id, started.started)
        return started

    def begin() -> Operation[Made]:
        started = ask(task, operation, resource_id, asked)
        begun()
        return started

    settle, check = task.limit("settle"), task.check_stop
    return run_operation(begin, limit=_limit(task), busy_limit=settle, waiting=task.retrying, check=check)


def ask(task: TaskContext, operation: str, resource_id: str, send: Callable[[], Made]) -> Made:
    """Record the intent and send one request for a change; a request to stop waits for its answer.

    Raises what `send` raises, Stopped before it, CloudError if the journal cannot be written.
    """
    task.check_stop()
    task.intend(operation, resource_id)
    task.asking = True
    try:
        return send()
    finally:
        task.asking = False


def _limit(task: TaskContext) -> float:
    return task.limit({"rollout": "traffic"}.get(task.kind, task.kind))


def follow_begun(
    task: TaskContext, resource_id: str, again: Callable[[Mapping[str, str]], Operation[Any]], what: str
) -> str:
    """Follow the operation that an earlier engine of this run started on a resource, if there is one.

    Returns create or change if it succeeded, else an empty text: then the resource's own state shows what is left to
    do. Raises OperationFailed, Stopped, CloudError.
    """
    from tui.cloud.errors import CloudError
    from tui.cloud.http.run_operation import follow

    begun = task.run.begun.get(task.name)
    if begun is None or not begun.started or begun.resource_id.lower() != resource_id.lower():
        return ""
    task.start(begun.operation, what)
    task.log(f"Following the operation on the {what} ({begun.operation}) that was started before the interruption.")
    try:
        follow(again(begun.started), _limit(task), check=task.check_stop)
    except CloudError as error:
        if error.status == 404:  # removed since
            return ""
        raise
    return begun.operation


def settle(task: TaskContext, read: Callable[[], Resource | None], what: str) -> Resource | None:
    """Read a resource, waiting while a change (such as an earlier attempt of this run) is in progress.

    Raises CloudError, also at the limit, and Stopped.
    """
    from tui.cloud.errors import CHANGING
    from tui.cloud.http.run_operation import too_long

    deadline, said = AwakeDeadline(task.limit("settle")), False
    while True:
        found = read()
        state = getattr(found, "provisioning_state", "")
        if found is None or state not in CHANGING:
            return found
        if not said:
            said = True
            task.start("read", what)
            task.log(f"The {what} is {state}; waiting.")
        if deadline.ended():
            raise too_long(f"the {what}", state, deadline.seconds)
        task.sleep(1)


def refuse(change: Change) -> None:
    """Raise CloudError if Azure would refuse a change."""
    from tui.cloud.errors import CloudError

    if change.refused:
        raise CloudError(
            title=f"The {change.resource} {change.name} cannot be changed this way",
            cause=change.refused,
            code="cannot-change",
        )
