"""Follows a long-running operation of Azure: polls every second, and ends as soon as the service reports its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Callable, Generic, TypeVar

from tui.cloud.errors import CloudError, OperationFailed, request_ids, service_error
from tui.cloud.http import trusted_hosts
from tui.cloud.http.arm import Answer, ResourceManager, refusal
from tui.cloud.http.retry import report
from tui.cloud.http.retry_policy import POLICIES, delay, retry_after

T = TypeVar("T")

_INTERVAL = 1.0  # seconds between two polls, unless the service sends Retry-After
_FIRST = 0.1  # seconds to the first poll
_SHARE = 0.03  # of the elapsed time: the seconds to the next poll, up to the interval
_PATIENCE = 600.0  # seconds without a response after which an operation is considered lost
_NEW_TOKENS = 3  # responses of 401 in a row after which the identity is considered refused
_DONE, _FAILED = "succeeded", {"failed", "canceled", "cancelled"}
_ACTIVE = "active"  # the state of a provisioned managed virtual network
_PATTERN_HEADERS = ("Azure-AsyncOperation", "Operation-Location")


class Operation(Generic[T]):
    """An operation that a PUT or DELETE has started. Poll with `wait`, get the outcome with `result`.

    The pattern is Resource Manager's (Microsoft, async-operations): the status URL of `Azure-AsyncOperation`
    answers 200 with `status`, the URL of `Location` answers 202 until the end; without either the resource's
    own `provisioningState` is used. Polling ends at a final state.
    """

    def __init__(
        self,
        arm: ResourceManager,
        started: Answer,
        resource: str,
        version: str,
        finish: Callable[[], T],
        what: str,
        deletes: bool = False,
        policy: str = "operation",
    ) -> None:
        """`finish` returns the result once the operation has succeeded; `policy` is a name in `POLICIES`."""
        self._arm, self._resource, self._version = arm, resource, version
        self._deletes, self._policy = deletes, policy
        self._finish, self.what = finish, what
        self._ids = request_ids(started.headers)
        self._headers = started.headers
        self.body = started.body  # of the last response
        self._status_url = next((started.headers[h] for h in _PATTERN_HEADERS if h in started.headers), None)
        self._location = started.headers.get("Location")
        self._failure: CloudError | None = None
        self._done = False
        self._silent_since: float | None = None
        self._attempts = 0
        self._unauthorized = 0  # responses of 401 in a row
        self.state = "Accepted"
        self._judge_start(started)
        self._began = time.monotonic()
        self._next = self._began + self._until_next(started)

    @property
    def started(self) -> dict[str, str]:
        """The header with the operation's URL, with which another process can follow the operation.

        Empty if the service sent none; then the resource's own state is used.
        """
        for header in _PATTERN_HEADERS:
            if self._status_url and header in self._headers:
                return {header: self._headers[header]}
        return {"Location": self._at_location} if self._at_location else {}

    def _judge_start(self, started: Answer) -> None:
        state = _provisioning_state(started.body)
        ended = started.status == 200 and not self._status_url and state in ("", _DONE)
        # That something is gone is seen at the resource: a proxy's page is answered with 200, too.
        if started.status == 204 or (ended and not self._deletes):
            self._done = True
        elif not self._status_url and state:
            self._read(state, started.body, started.headers)

    def wait(self, seconds: float) -> bool:
        """Wait for at most this long; True if the operation has ended, successfully or not. Never raises."""
        end = time.monotonic() + seconds
        while not self._done:
            now = time.monotonic()
            if now >= self._next:
                self._ask()
                continue
            if now >= end:
                return False
            time.sleep(max(0.0, min(self._next, end) - now))
        return True

    def result(self) -> T:
        """Wait for the end and return the result; raises OperationFailed with the service's message, or CloudError."""
        while not self.wait(60):
            pass
        if self._failure is not None:
            raise self._failure
        return self._finish()

    def _ask(self) -> None:
        try:
            answer = self._poll()
        except CloudError as error:
            self._no_answer(error, None)
            return
        if answer.status >= 400:
            self._no_answer(refusal(answer, f"asking about {self.what}"), retry_after(self._policy, answer.headers))
            return
        self._silent_since, self._attempts, self._unauthorized = None, 0, 0
        self._next = time.monotonic() + self._until_next(answer)
        self.body = answer.body
        body = answer.body if isinstance(answer.body, dict) else {}
        if self._status_url:
            status = body.get("status")
        elif self._at_location:
            if answer.status == 202:
                return
            status = body.get("status") or _provisioning_state(body) or _DONE
        else:
            status = _provisioning_state(body)
            if self._deletes and status == _DONE:
                self._done, self._failure = True, self._still_there()
                return
        self._read(str(status or "").lower(), body, answer.headers)

    def _still_there(self) -> CloudError:
        return CloudError(
            title=f"{self.what[:1].upper()}{self.what[1:]} did not happen",
            cause="Azure's answer told no error, but what was to be removed is still there.",
            remedy="Remove it again. If that does not help, look for what answers in place of Azure, such as a proxy.",
            code="StillThere",
        )

    def _until_next(self, answer: Answer) -> float:
        """The seconds to the next poll: short operations are polled more often than long ones."""
        hint = retry_after(self._policy, answer.headers)
        pace = min(_INTERVAL, max(_FIRST, _SHARE * (time.monotonic() - self._began)))
        return max(pace, hint or 0.0)

    def _poll(self) -> Answer:
        url, doing = self._status_url or self._at_location, f"asking about {self.what}"
        header = next(iter(self.started), "")
        return self._arm.ask(
            "GET",
            url or self._resource,
            None if url else self._version,
            doing=doing,
            retry=False,
            source=f"The header {header} of the answer about {self.what}",
        )

    @property
    def _at_location(self) -> str | None:
        """The URL in `Location`, unless it is the resource's own."""
        url = self._location or ""
        own = self._resource.lower() in url.lower() and "operation" not in url.lower()
        return None if own else self._location

    def _read(self, status: str, body: Any, headers: Mapping[str, str]) -> None:
        if status:
            self.state = str(body.get("status") or status) if isinstance(body, dict) else status
        if status in (_DONE, _ACTIVE):
            self._done = True
        elif status in _FAILED:
            self._done = True
            code, message, details = service_error(body) if _has_error(body) else self._words_of_the_resource()
            outcome = "Failed" if status == "failed" else "Canceled"
            self._failure = OperationFailed(
                code=code,
                message=message or f"Azure ended {self.what} as {outcome} and gave no reason.",
                details=details,
                request_ids=[*self._ids, *(i for i in request_ids(headers) if i not in self._ids)],
                raw=_as_text(body),
                outcome=outcome,
                what=self.what[:1].upper() + self.what[1:],
            )

    def _words_of_the_resource(self) -> tuple[str | None, str, list[dict[str, Any]]]:
        """The error of a failed operation that has no error object itself, from the resource."""
        try:
            body = self._arm.call("GET", self._resource, self._version, retry=False).body
        except CloudError:
            return None, "", []
        properties = body.get("properties") if isinstance(body, dict) else None
        for holder in (body, properties):
            if _has_error(holder):
                return service_error(holder)
        return None, "", []

    def _no_answer(self, error: CloudError, hint: float | None) -> None:
        """Handle a poll without a usable response, which does not end the operation, since Azure continues.

        `hint` is the service's `Retry-After` in seconds, if any.
        """
        if error.status in (403, 404) and (self._status_url or self._location):
            # The record was deleted, or its address is refused: unsigned, or signed for the identity that started it.
            # The resource's own state shows how the operation goes and ends.
            self._status_url, self._location = None, None
            self._next = time.monotonic()
            return
        if error.status == 404 and self._deletes:
            self._done = True
            return
        now = time.monotonic()
        self._silent_since = self._silent_since if self._silent_since is not None else now
        # A token can expire between two polls; the next one uses a new token.
        self._unauthorized = self._unauthorized + 1 if error.status == 401 else 0
        final = (
            error.code == trusted_hosts.CODE or error.status in {400, 403, 404, 405} or self._unauthorized > _NEW_TOKENS
        )
        if final or now - self._silent_since > _PATIENCE:
            self._done, self._failure = True, error
            return
        seconds = delay(self._policy, self._attempts, hint)
        self._attempts += 1
        # A pause requested by the service does not count as silence.
        self._silent_since += max(0.0, seconds - POLICIES[self._policy].slowest)
        # Without a response, the cause is a library's message; the title says what happened.
        report(error.title if error.status is None else error.cause or error.title, seconds)
        self._next = now + seconds


def _has_error(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("error"), dict)


def _provisioning_state(body: Any) -> str:
    properties = body.get("properties") if isinstance(body, dict) else None
    return str(properties.get("provisioningState") or "").lower() if isinstance(properties, dict) else ""


def _as_text(body: Any) -> str:
    import json

    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, indent=1)
