"""Errors of Azure and its libraries, with an explanation: what happened, why, and what to do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tui.common.redact import redact
from tui.common.terminal_text import without_controls

_REQUEST_ID_HEADERS = ("x-ms-request-id", "x-ms-correlation-request-id", "x-request-id")


CHANGING = ("Creating", "Updating", "Deleting", "Scaling", "Provisioning")
"""The provisioning states of a resource that is being changed."""
REFUSALS = (400, 409, 412)
"""With which a change is refused because another one is in progress; 400 in Azure/azure-sdk-for-net 36961."""


class CloudError(Exception):
    """A failed call to Azure, with an explanation.

    `title` is what happened, `cause` why, `remedy` what to do; `raw` is the service's own text without secrets;
    `code` and `status` are Azure's error code and the HTTP status, if any. `state` is the provisioning state of the
    resource whose change was refused: "absent" if there is none, empty if it was not read.
    """

    def __init__(
        self,
        title: str,
        cause: str = "",
        remedy: str = "",
        raw: str = "",
        code: str | None = None,
        request_ids: Iterable[str] = (),
        status: int | None = None,
    ) -> None:
        self.title = title
        self.cause = clean(cause)
        self.remedy = remedy
        self.raw = clean(raw)
        self.code = code
        self.request_ids = list(request_ids)
        self.status = status
        self.state = ""
        super().__init__(". ".join(part.rstrip(".") for part in (title, self.cause) if part) + ".")


class OperationFailed(CloudError):
    """A long-running operation that Azure ended as Failed or Canceled, with the service's own message.

    `message` is the innermost message, `details` the service's list of details, `outcome` Failed or Canceled.
    """

    def __init__(
        self,
        code: str | None,
        message: str,
        details: list[dict[str, Any]] | None = None,
        request_ids: Iterable[str] = (),
        raw: str = "",
        outcome: str = "Failed",
        what: str = "The operation",
    ) -> None:
        ended = "was canceled" if outcome == "Canceled" else "failed"
        named = f" with {code}" if code else ""
        super().__init__(
            title=f"{what} {ended}{named}",
            cause=message,
            remedy="",
            raw=raw or message,
            code=code,
            request_ids=request_ids,
        )
        self.message = clean(message)
        self.details = details or []
        self.outcome = outcome


def unreadable(doing: str, raw: str, cause: str = "It is not what this request is answered with.") -> CloudError:
    """The error for an answer that is not what Azure documents, such as a proxy's page or a value of another type."""
    return CloudError(
        title=f"Azure's answer cannot be read{f', while {doing}' if doing else ''}",
        cause=cause,
        remedy="Check that nothing between this machine and Azure answers instead, such as a proxy's sign-in page.",
        raw=raw[:2000],
        code="UnreadableAnswer",
    )


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Inside, or as a decorator: values of other types in an answer's JSON raise CloudError; `what` is read."""
    try:
        yield
    except (AttributeError, TypeError, ValueError, LookupError) as error:
        raise unreadable(f"reading {what}", f"{type(error).__name__}: {error}") from None


class Cancelled(Exception):
    """The work was stopped because the caller asked for it."""


def clean(text: str) -> str:
    """The text without control characters and anything that looks like a secret."""
    return redact(without_controls(text)).strip()


def request_ids(headers: Any) -> list[str]:
    """The ids that Microsoft's support asks for, from a response's headers."""
    found = []
    for name in _REQUEST_ID_HEADERS:
        value = headers.get(name) if headers is not None else None
        if value and value not in found:
            found.append(str(value))
    return found


def service_error(body: Any) -> tuple[str | None, str, list[dict[str, Any]]]:
    """Code, message and details of Azure's error object: the innermost code and the most specific message."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return _storage_error(body)
    if not isinstance(body, dict):
        return None, "", []
    error = body.get("error", body)
    if not isinstance(error, dict):
        return None, str(error), []
    code = error.get("code")
    message = str(error.get("message") or "")
    details = [detail for detail in error.get("details") or [] if isinstance(detail, dict)]
    # Azure often wraps the real reason: BadRequest around a detail that says what is wrong.
    for detail in details:
        text = str(detail.get("message") or "")
        if text and text not in message:
            message = f"{message} {text}".strip()
    return (str(code) if code else None), message, details


def _storage_error(text: str) -> tuple[str | None, str, list[dict[str, Any]]]:
    """Code and message of a response that is not JSON: Blob storage sends XML, with ids and the time at the end."""
    code = re.search(r"<Code>([^<]+)</Code>", text)
    message = re.search(r"<Message>([^<]+)", text)
    if code is None or message is None:
        return None, text, []
    return code[1], html.unescape(re.split(r"\s*\n(?:RequestId|Time):", message[1])[0]), []
