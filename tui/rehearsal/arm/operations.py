"""Runs long-running operations, in the shapes of Azure PowerShell's recordings."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable
from typing import Any, Callable

from tui.rehearsal.arm.errors import timestamp
from tui.rehearsal.store import Store

log = logging.getLogger(__name__)

# The service's status of an operation in progress, also for a creation.
UNDER_WAY = "Updating"
ENDPOINT = "oeidp"
DEPLOYMENT = "odidp"
# Not recorded: assumed in the style of the other two.
NETWORK = "mnw"


class OperationFailed(Exception):
    """Raised to end an operation as Failed with this error object."""

    def __init__(self, code: str, message: str, *, additional: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.additional = additional or []

    def error(self) -> dict[str, Any]:
        """The error object of the operation's status."""
        return {"code": self.code, "message": self.message, "details": [], "additionalInfo": self.additional}


_CANCELED = {"status": "Canceled", "error": OperationFailed("OperationCanceled", "The operation was canceled.").error()}
Work = Callable[[], Awaitable[None]]
AfterFailure = Callable[[], None]


class Operations:
    """Runs operations in the background and answers polls for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def under_way(self) -> int:
        """The number of running operations."""
        return len(self._tasks)

    def begin(
        self,
        kind: str,
        *,
        subscription: str,
        location: str,
        workspace_guid: str,
        resource: str,
        verb: str,
        work: Work,
        failed: AfterFailure = lambda: None,
        result: dict[str, Any] | None = None,
    ) -> str:
        """Start an operation and return its path, without origin and version.

        `work` raises OperationFailed to end it as Failed; `failed` is then called to mark the resource.
        `result` is returned at the end instead of the status document.
        """
        name = f"{kind}:{workspace_guid}:{uuid.uuid4()}"
        path = (
            f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/locations/{location}"
            f"/mfeOperationsStatus/{name}"
        )
        record: dict[str, Any] = {
            "id": path,
            "name": name,
            "status": UNDER_WAY,
            "startTime": timestamp(),
            "resource": resource,
            "verb": verb,
            "result": result,
        }
        self._store.put_operation(name, record)
        self.take_up(record, work, failed)
        return path

    async def _run(self, name: str, record: dict[str, Any], work: Work, failed: AfterFailure) -> None:
        try:
            # Let the response to the request be sent first.
            await asyncio.sleep(0)
            await work()
            record["status"] = "Succeeded"
        except asyncio.CancelledError:
            record.update(_CANCELED)
        except Exception as error:
            record["status"] = "Failed"
            record["error"] = self._reason(name, error).error()
            failed()
        finally:
            record["endTime"] = timestamp()
            self._store.put_operation(name, record)
            self._tasks.pop(name, None)

    @staticmethod
    def _reason(name: str, error: Exception) -> OperationFailed:
        if isinstance(error, OperationFailed):
            return error
        log.error("Operation %s failed in the rehearsal itself", name, exc_info=error)
        return OperationFailed(
            "InternalServerError", "An internal error of the rehearsal; see its log. Please try again later."
        )

    async def cancel(self, resource: str) -> None:
        """Cancel the operations on this resource and all below it, and wait for them."""
        key = resource.lower()
        tasks = []
        for name, task in list(self._tasks.items()):
            record = self._store.get_operation(name)
            owner = str(record["resource"]).lower() if record else ""
            if (owner == key or owner.startswith(key + "/")) and task is not asyncio.current_task():
                tasks.append(task)
        await _cancelled(tasks)

    async def stop(self) -> None:
        """Cancel all operations; they stay in progress in the store, so that the next start resumes them."""
        records = {name: self._store.get_operation(name) for name in self._tasks}
        await _cancelled(list(self._tasks.values()))
        for name, record in records.items():
            if record is not None:
                self._store.put_operation(name, record)

    def interrupted(self) -> list[dict[str, Any]]:
        """The operations that were in progress when the rehearsal ended."""
        return [record for record in self._store.operations() if record["status"] == UNDER_WAY]

    def take_up(self, record: dict[str, Any], work: Work, failed: AfterFailure) -> None:
        """Resume an operation from the store."""
        name = str(record["name"])
        self._tasks[name] = asyncio.get_running_loop().create_task(self._run(name, record, work, failed))

    def give_up(self, record: dict[str, Any]) -> None:
        """End an interrupted operation that cannot be resumed."""
        record.update(_CANCELED, endTime=timestamp())
        self._store.put_operation(str(record["name"]), record)

    def result(self, name: str) -> dict[str, Any] | None:
        """The result given at the operation's start, or None."""
        found: dict[str, Any] | None = (self._store.get_operation(name) or {}).get("result")
        return found

    def status(self, name: str) -> dict[str, Any] | None:
        """The status document of an operation, or None."""
        record = self._store.get_operation(name)
        if record is None:
            return None
        shown = ("id", "name", "status", "startTime", "endTime", "error")
        # The percentage is 0.0 until the end, as recorded.
        return {**{key: record[key] for key in shown if key in record}, "percentComplete": 0.0}


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
