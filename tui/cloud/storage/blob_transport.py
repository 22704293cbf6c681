"""HTTPS transport to the storage account for uploads, with one set of certificates for all connections.

Uses requests' adapter without its sessions, which would add cookies, redirects, hooks and environment to each request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from tui.common.redact import RedactingFilter

if TYPE_CHECKING:
    from tui.cloud.recording.recorder import Recorder

Body = Union[bytes, Iterable[memoryview], None]

_CONNECT, _READ = 10.0, 60.0  # seconds: to connect, and to wait for a response


@dataclass(frozen=True)
class StorageAnswer:
    """A response: status, headers (case-insensitive) and body."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def code(self) -> str:
        """The storage's error code; empty without one."""
        return str(self.headers.get("x-ms-error-code") or "")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.content.decode("utf-8-sig", "replace")


_redacting = RedactingFilter()


class Transport:
    """Keeps connections to one host; thread-safe. Proxies and certificates come from the environment, as in requests.
    With a recorder, all requests go through its session.
    """

    def __init__(self, url: str, connections: int, recorder: Recorder | None, seconds: float = _READ) -> None:
        """`seconds` without a response, after which a request is considered lost."""
        from tui.cloud.http.connections import session

        # Adding it repeatedly has no further effect.
        logging.getLogger("urllib3.connectionpool").addFilter(_redacting)
        made = recorder.session("storage", connections) if recorder is not None else session(connections, limited=False)
        found = made.merge_environment_settings(url, {}, False, None, None)
        self._options: dict[str, Any] = {**found, "timeout": (min(_CONNECT, seconds), seconds)}
        self._adapter = made.get_adapter(url)

    def send(self, method: str, url: str, headers: dict[str, str], body: Body) -> StorageAnswer:
        """Send one request, once. Raises requests' ConnectionError, Timeout, SSLError, ProxyError."""
        import requests

        request = requests.PreparedRequest()
        request.method, request.url = method, url
        request.headers = requests.structures.CaseInsensitiveDict(headers)
        request.body = body  # type: ignore[assignment]
        answer = self._adapter.send(request, **self._options)
        return StorageAnswer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """Close idle connections; those in use are closed by their users."""
        self._adapter.close()
