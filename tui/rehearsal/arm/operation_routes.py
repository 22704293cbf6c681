"""Handlers and headers for long-running operations: acceptance, polls, results."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.operations import UNDER_WAY
from tui.rehearsal.arm.resource_paths import REGION

# In place of the certificate of Resource Manager that every address of an operation contains.
_CERTIFICATE = "MIIH" + base64.urlsafe_b64encode(hashlib.shake_256(b"certificate").digest(1800)).decode()
_TICKS_TO_1970 = 621_355_968_000_000_000  # of 100 nanoseconds, since the year 1


def accepted(call: Call, path: str) -> dict[str, str]:
    """Headers of a 202: only `Location`, no `Retry-After`, as recorded for DELETE and PATCH."""
    results = path.replace("/mfeOperationsStatus/", "/mfeOperationResults/")
    return {"Location": _signed(call, results), "x-ms-async-operation-timeout": "PT30M"}


def created(call: Call, path: str) -> dict[str, str]:
    """Headers of a PUT that continues in the background."""
    return {"Location": call.url, "Azure-AsyncOperation": _signed(call, path), "x-ms-async-operation-timeout": "PT30M"}


def operation_url(origin: str, path: str, api_version: str) -> str:
    """The absolute URL of an operation's status, unsigned as in a resource's properties (recorded)."""
    return f"{origin}{path}?api-version={api_version}"


def _signed(call: Call, path: str) -> str:
    """The URL with Resource Manager's four parameters: the time, a certificate, the signature, and the caller's hash.

    Signed is the operation's name, so that status and result have the same signature, and a new port keeps it valid.
    """
    name, ticks = path.rpartition("/")[2], str(_TICKS_TO_1970 + time.time_ns() // 100)
    whose = _hash(call, name)
    signature = call.service.signer.signature(f"{name} {ticks} {_CERTIFICATE} {whose}")
    url = operation_url(call.service.origin, path, call.api_version)
    return f"{url}&t={ticks}&c={_CERTIFICATE}&s={signature}&h={whose}"


def _hash(call: Call, name: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(f"{name} {call.caller}".encode()).digest()).decode().rstrip("=")


def _found(call: Call) -> dict[str, Any]:
    name = call["operation"]
    status = call.service.operations.status(name)
    if status is None:
        raise ArmError(404, "NotFound", f"The operation '{name}' was not found.")
    ticks, certificate, signature, whose = (call.query.get(key, "") for key in "tcsh")
    if whose != _hash(call, name):
        raise ArmError(
            403,
            "Forbidden",
            "Only the original caller of an asynchronous operation is allowed to retrieve the results. The content "
            "hash provided in the query params of the request uri does not match the expected hash.",
        )
    if not call.service.signer.has_signed(f"{name} {ticks} {certificate} {whose}", signature):
        raise ArmError(403, "Forbidden", "The signature in the query params of the request uri is not valid.")
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
