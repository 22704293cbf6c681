"""Errors in the shape of Azure Resource Manager."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web


def timestamp(moment: datetime.datetime | None = None) -> str:
    """A time in the service's format: UTC with seven decimals and a numeric offset."""
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0+00:00"


class ArmError(Exception):
    """An error response of Resource Manager: HTTP status, code, message and details."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[dict[str, Any]] = (),
        additional: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = list(details)
        self.additional = list(additional)
        self.headers = headers or {}

    def error(self) -> dict[str, Any]:
        """The error object: `code`, `message`, and further members if known."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.details or self.additional:
            error["details"] = self.details
        if self.additional:
            error["additionalInfo"] = self.additional
        return error

    def response(self) -> web.Response:
        """The complete response."""
        return web.json_response({"error": self.error()}, status=self.status, headers=self.headers)


def additional_info(location: str) -> list[dict[str, Any]]:
    """The `additionalInfo` list that Azure Machine Learning adds to its errors (names of members as recorded)."""
    return [
        {"type": "ComponentName", "info": {"value": "managementfrontend"}},
        {"type": "Correlation", "info": {"value": {"operation": uuid.uuid4().hex, "request": uuid.uuid4().hex[:16]}}},
        {"type": "Environment", "info": {"value": location}},
        {"type": "Location", "info": {"value": location}},
        {"type": "Time", "info": {"value": timestamp()}},
    ]


def user_error(message: str, location: str, *, status: int = 400, code: str = "UserError") -> ArmError:
    """An error of Azure Machine Learning itself."""
    return ArmError(status, code, message, additional=additional_info(location))


def bad_request(detail_code: str, message: str, location: str) -> ArmError:
    """The service's usual 400: `BadRequest`, "The request is invalid.", and the reason as a detail."""
    return ArmError(
        400,
        "BadRequest",
        "The request is invalid.",
        details=[{"code": detail_code, "message": message, "details": [], "additionalInfo": []}],
        additional=additional_info(location),
    )


def not_authorized(claims: Mapping[str, Any], action: str, scope: str) -> ArmError:
    """Resource Manager's 403 for a caller whose roles do not allow an action."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{claims.get('appid')}' with object id '{claims.get('oid')}' does not have authorization to "
        f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, "
        "please refresh your credentials.",
    )


def bad_content(message: str) -> ArmError:
    """The error for a body that is not a JSON object, or a member of the wrong type."""
    return ArmError(
        400, "InvalidRequestContent", f"The request content was invalid and could not be deserialized: '{message}'."
    )


def graph_error(
    status: int, code: str, reason: str, message: str, *more: dict[str, Any], headers: dict[str, str] | None = None
) -> ArmError:
    """An error of Resource Graph, whose reasons are in the details (as reported in public issues)."""
    said = f"Please provide below info when asking for support: timestamp = {timestamp()[:27]}Z, correlationId = "
    details = [{"code": reason, "message": message}, *more]
    return ArmError(status, code, f"{said}{uuid.uuid4()}.", details=details, headers=headers)


def resource_not_found(kind: str, name: str, group: str) -> ArmError:
    """Resource Manager's 404; `kind` as in `Microsoft.MachineLearningServices/workspaces`."""
    return ArmError(
        404,
        "ResourceNotFound",
        f"The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to "
        "https://aka.ms/ARMResourceNotFoundFix",
    )
