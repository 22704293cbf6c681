"""Waits for long-running operations of Azure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tui.engine.context import TaskContext
from tui.plan.changes import Change

if TYPE_CHECKING:
    from tui.cloud.operation import Operation


def follow(task: TaskContext, operation: Operation[Any], meanwhile: Callable[[], None] | None = None) -> None:
    """Wait until an operation ends; `meanwhile` is called about once a second.

    Raises OperationFailed with the service's words as soon as it has failed, Stopped when the run is asked to stop
    (the operation itself goes on in Azure).
    """
    while not operation.wait(0.5):
        task.check_stop()
        if meanwhile:
            meanwhile()
    operation.result()


Resource = TypeVar("Resource")


def settle(task: TaskContext, read: Callable[[], Resource | None], what: str) -> Resource | None:
    """Read a resource, and wait while somebody (an earlier try of this run, say) is changing it.

    Raises CloudError, Stopped.
    """
    said = False
    while True:
        found = read()
        state = getattr(found, "provisioning_state", "")
        if found is None or state not in ("Creating", "Updating", "Deleting", "Scaling"):
            return found
        if not said:
            said = True
            task.start("read", what)
            task.log(f"The {what} is {state}; waiting for that to end.")
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
