"""Handlers and headers for long-running operations: acceptance, polls, results."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.operations import UNDER_WAY
from tui.rehearsal.arm.resource_paths import REGION


def accepted(call: Call, path: str) -> dict[str, str]:
    """Headers of a 202: only `Location`, no `Retry-After`, as recorded for DELETE and PATCH."""
    results = path.replace("/mfeOperationsStatus/", "/mfeOperationResults/")
    return {
        "Location": f"{call.service.origin}{results}?api-version={call.api_version}",
        "x-ms-async-operation-timeout": "PT30M",
    }


def created(call: Call, path: str) -> dict[str, str]:
    """Headers of a PUT that continues in the background."""
    return {
        "Location": call.url,
        "Azure-AsyncOperation": operation_url(call, path),
        "x-ms-async-operation-timeout": "PT30M",
    }


def operation_url(call: Call, path: str) -> str:
    """The absolute URL of an operation's status."""
    return f"{call.service.origin}{path}?api-version={call.api_version}"


def _found(call: Call) -> dict[str, Any]:
    status = call.service.operations.status(call["operation"])
    if status is None:
        raise ArmError(404, "NotFound", f"The operation '{call['operation']}' was not found.")
    return status


async def read_status(call: Call) -> web.Response:
    """A poll: always 200 (recorded)."""
    return web.json_response(_found(call))


async def read_result(call: Call) -> web.Response:
    """The result: 202 until the end, then the status document (the latter recorded)."""
    status = _found(call)
    if status["status"] == UNDER_WAY:
        return web.Response(status=202, headers=accepted(call, status["id"]))
    if status["status"] != "Succeeded":
        error = status["error"]
        raise ArmError(
            400, error["code"], error["message"], details=error["details"], additional=error["additionalInfo"]
        )
    return web.json_response(call.service.operations.result(call["operation"]) or status)


ROUTES: list[Route] = [
    ("GET", f"{REGION}/mfeOperationsStatus/{{operation}}", read_status),
    ("GET", f"{REGION}/mfeOperationResults/{{operation}}", read_result),
]
