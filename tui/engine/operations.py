"""Long-running operations of Azure: begun with a note in the journal, followed, found again after an interruption."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from tui.engine.task_context import TaskContext
from tui.engine.time_limits import Patience
from tui.plan.planned_changes import Change

if TYPE_CHECKING:
    from tui.cloud.http.operation import Operation

Resource = TypeVar("Resource")
Made = TypeVar("Made")

CHANGING = ("Creating", "Updating", "Deleting", "Scaling", "Provisioning")


def carry_out(
    task: TaskContext,
    operation: str,
    resource_id: str,
    send: Callable[[], Operation[Made]],
    begun: Callable[[], None] = lambda: None,
    *,
    firm: bool = False,
) -> Made:
    """Begin an operation and follow it to its end; again when somebody else's change stood in its way.

    `begun` is called when Azure has accepted it. With `firm` it is carried out even when the run is asked to stop.
    Raises OperationFailed, Stopped, CloudError.
    """
    from tui.cloud.http.conflicts import patiently

    def once() -> Made:
        started = begin(task, operation, resource_id, send, firm=firm)
        begun()
        follow(task, started, firm=firm)
        return started.result()

    patience = Patience(task.limit("settle"))

    def wait(reason: str, seconds: float) -> None:
        task.retrying(reason, seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not patience.ended():
            time.sleep(0.2)
            if not firm:
                task.check_stop()

    return patiently(once, wait, patience.ended)


def begin(
    task: TaskContext,
    operation: str,
    resource_id: str,
    send: Callable[[], Operation[Made]],
    *,
    firm: bool = False,
) -> Operation[Made]:
    """Write down what is about to be done, ask Azure for it, and write down how Azure names it.

    `operation` is create or change. Raises what `send` raises, Stopped, and CloudError when the journal cannot be
    written: what Azure is asked for must be found again after an interruption.
    """
    if not firm:
        task.check_stop()
    task.intend(operation, resource_id)
    task.asking = True
    try:
        started = send()
        task.began(resource_id, started.started)
    finally:
        task.asking = False
    return started


def follow(task: TaskContext, operation: Operation[Any], *, firm: bool = False) -> None:
    """Wait until an operation ends, no longer than the task's limit.

    Raises OperationFailed with the service's words as soon as it has failed, Stopped when the run is asked to stop
    (the operation itself goes on in Azure), CloudError at the limit.
    """
    patience = Patience(task.limit({"rollout": "traffic"}.get(task.kind, task.kind)))
    while not operation.wait(0.5):
        if not firm:
            task.check_stop()
        if patience.ended():
            raise _too_long(operation.what, operation.state, patience)
    operation.result()


def follow_begun(
    task: TaskContext, resource_id: str, again: Callable[[Mapping[str, str]], Operation[Any]], what: str
) -> str:
    """Follow the operation that an earlier engine of this run had begun on a resource, if there is one.

    Returns create or change when it has ended well, else an empty text: then the resource's own state tells what is
    left to do. Raises OperationFailed, Stopped, CloudError.
    """
    from tui.cloud.errors import CloudError

    begun = task.run.begun.get(task.name)
    if begun is None or not begun.started or begun.resource_id.lower() != resource_id.lower():
        return ""
    task.start(begun.operation, what)
    task.log(f"Azure was asked to {begun.operation} the {what} before the interruption; that is followed now.")
    try:
        follow(task, again(begun.started))
    except CloudError as error:
        if error.status == 404:  # it has been removed since
            return ""
        raise
    return begun.operation


def settle(task: TaskContext, read: Callable[[], Resource | None], what: str) -> Resource | None:
    """Read a resource, and wait while somebody (an earlier try of this run, say) is changing it.

    Raises CloudError, also at the limit, and Stopped.
    """
    patience, said = Patience(task.limit("settle")), False
    while True:
        found = read()
        state = getattr(found, "provisioning_state", "")
        if found is None or state not in CHANGING:
            return found
        if not said:
            said = True
            task.start("read", what)
            task.log(f"The {what} is {state}; waiting for that to end.")
        if patience.ended():
            raise _too_long(f"the {what}", state, patience)
        task.sleep(1)


def refuse(change: Change) -> None:
    """Raise CloudError when Azure would refuse a change."""
    from tui.cloud.errors import CloudError

    if change.refused:
        raise CloudError(
            title=f"The {change.resource} {change.name} cannot be changed like this",
            cause=change.refused,
            code="cannot-change",
        )


def _too_long(what: str, state: str, patience: Patience) -> Exception:
    from tui.cloud.errors import CloudError

    return CloudError(
        title=f"Azure has worked on {what} for more than {patience.words}",
        cause=f"Its state is still {state or 'unknown'}. The run watches no longer; Azure goes on with it.",
        remedy="Look at it in the portal. When it has ended, apply the plan again: that goes on from there.",
        code="TimeLimit",
    )
