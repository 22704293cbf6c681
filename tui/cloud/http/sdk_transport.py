"""The transport of `MLClient`: our connections and retries, and the first response to each change.

All service clients of `MLClient` send through one transport (azure-core, `transport=`). So their requests are retried
by our table and recorded if there is a recorder, and the first response to a change, with the address of its
operation, is available here before `begin_…` returns.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from azure.core.pipeline import Pipeline
from azure.core.pipeline.policies import CustomHookPolicy, RedirectPolicy, SensitiveHeaderCleanupPolicy
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest

from tui.cloud.http import trusted_hosts
from tui.cloud.http.arm import REPEATABLE, Answer, ResourceManager
from tui.cloud.http.connections import CONNECT_SECONDS, READ_SECONDS
from tui.cloud.http.retry import NotifyingRetryPolicy, attempts

_local = threading.local()


@dataclass
class Watched:
    """A change that a thread requests: the path of its request, and the response when it has arrived.

    Resources that already exist (`there`, by path) are read instead of sent again by the SDK. `unanswered` is whether
    a request was repeated and may have been carried out before.
    """

    path: str
    there: frozenset[str] = frozenset()
    answer: Answer | None = None
    unanswered: bool = False


class NotFollowed(Exception):
    """Ends the thread in which the SDK would poll an operation: `Operation` polls instead, without printing dots."""


@contextmanager
def watching(path: str = "", there: Iterable[str] = ()) -> Iterator[Watched]:
    """Allow this thread to send through the SDK while inside; the yielded value receives the response to a change."""
    previous = getattr(_local, "watched", None)
    _local.watched = Watched(path.lower(), frozenset(map(str.lower, there)))
    try:
        yield _local.watched
    finally:
        _local.watched = previous


class SdkTransport(HttpTransport):  # type: ignore[misc]
    """Sends the SDK's requests over the connections of `arm`, only for threads inside `watching`."""

    def __init__(self, arm: ResourceManager, workspace_id: str) -> None:
        self._arm = arm
        self._workspace = workspace_id.lower()
        self._workspace_read: Any = None
        self._transport = arm.transport
        self._pipeline: Pipeline[Any, Any] = Pipeline(
            arm.transport,
            [
                RedirectPolicy(),
                NotifyingRetryPolicy(),
                SensitiveHeaderCleanupPolicy(),
                CustomHookPolicy(raw_request_hook=trusted_hosts.hook(arm.metadata)),
            ],
        )

    def __enter__(self) -> SdkTransport:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: connections are kept for the next client."""

    def open(self) -> None:
        """Open the underlying transport; can be called repeatedly."""
        self._transport.open()

    def close(self) -> None:
        """Do nothing: connections are kept for the next client."""

    def sleep(self, duration: float) -> None:
        """Called between two polls of an operation. Raises NotFollowed."""
        raise NotFollowed

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request, with the retries of `ResourceManager`. Raises NotFollowed, and what azure-core raises."""
        watched: Watched | None = getattr(_local, "watched", None)
        if watched is None:
            raise NotFollowed
        # The SDK follows addresses in answers itself: next pages, redirects, operations.
        trusted_hosts.check(self._arm.metadata, trusted_hosts.RESOURCE_MANAGER, request.url, "An answer to Azure's SDK")
        path = unquote(urlsplit(request.url).path).lower()
        if request.method == "PUT" and path in watched.there:
            request = HttpRequest("GET", request.url, headers=_without_body(request.headers))
        # Before each change the SDK reads the workspace for its region, which does not change.
        asks_region = request.method == "GET" and path == self._workspace
        if asks_region and self._workspace_read is not None:
            return self._workspace_read
        options.update(connection_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retry_on_methods=REPEATABLE)
        options["stream"] = False  # so that the answer has a limit as a whole
        with attempts() as before:
            response = self._pipeline.run(request, **options).http_response
            if response.status_code == 401:
                self._arm.forget_token()
                request.headers["Authorization"] = self._arm.authorization()
                response = self._pipeline.run(request, **options).http_response
        watched.unanswered = watched.unanswered or before.unanswered
        if asks_region and response.status_code == 200:
            body = _answer(response).body
            if isinstance(body, dict) and body.get("location"):
                self._workspace_read = response
        changes = request.method in ("PUT", "PATCH", "DELETE", "POST")
        if not changes or path != watched.path:
            return response
        watched.answer = _answer(response)
        if watched.answer.status == 409 and watched.unanswered:
            version = parse_qs(urlsplit(request.url).query)["api-version"][0]
            watched.answer = (
                self._arm.begun_already(request.method, urlsplit(request.url).path, version, _body(request))
                or watched.answer
            )
        return response


def _without_body(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in ("content-type", "content-length")}


def _answer(response: Any) -> Answer:
    if hasattr(response, "read"):
        response.read()  # the SDK's clients request a stream
    text = response.text()
    return Answer(response.status_code, response.headers, _json(text), text)


def _body(request: Any) -> Any:
    return _json(getattr(request, "content", None) or getattr(request, "data", None) or "")


def _json(text: str | bytes) -> Any:
    """The value of a JSON text; the text itself if it is not JSON, None if it is empty."""
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text
