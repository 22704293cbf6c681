"""HTTPS to the storage account for an upload: urllib3 with one set of certificates for all connections.

Requests reads the whole certificate bundle for every new connection, a tenth of a second of processor time each.
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

_CONNECT, _READ = 10.0, 60.0  # seconds: to connect, and without any answer


@dataclass(frozen=True)
class StorageAnswer:
    """Status, headers (case-insensitive) and body of an answer."""

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
    """Connections to one host, kept; safe for several threads. Proxies and certificates are the environment's, as
    requests takes them. With a recorder all goes through its session.
    """

    def __init__(self, url: str, connections: int, recorder: Recorder | None, seconds: float = _READ) -> None:
        """`seconds`: without any answer, after which a request counts as lost."""
        import requests

        self._timeout = (min(_CONNECT, seconds), seconds)

        # Added again and again it is there once.
        logging.getLogger("urllib3.connectionpool").addFilter(_redacting)
        session = recorder.session("storage", connections) if recorder is not None else requests.Session()
        self._options = session.merge_environment_settings(url, {}, False, None, None)
        proxy = requests.utils.select_proxy(url, self._options["proxies"])
        self._adapter: Any = None
        self._pool: Any = None
        if recorder is not None or str(proxy or "").lower().startswith("socks"):
            self._adapter = session.get_adapter(url)
        else:
            self._pool = _pool(self._options["verify"], proxy, connections)

    def send(self, method: str, url: str, headers: dict[str, str], body: Body) -> StorageAnswer:
        """One request, sent once. Raises requests' ConnectionError, Timeout, SSLError, ProxyError."""
        if self._adapter is not None:
            return self._send_with_requests(method, url, headers, body)
        import requests
        import urllib3

        try:
            answer = self._pool.urlopen(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(connect=self._timeout[0], read=self._timeout[1]),
            )
        except urllib3.exceptions.TimeoutError as error:
            raise requests.Timeout(error) from None
        except urllib3.exceptions.SSLError as error:
            raise requests.exceptions.SSLError(error) from None
        except urllib3.exceptions.ProxyError as error:
            raise requests.exceptions.ProxyError(error) from None
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise requests.ConnectionError(error) from None
        return StorageAnswer(answer.status, answer.headers, answer.data)

    def _send_with_requests(self, method: str, url: str, headers: dict[str, str], body: Body) -> StorageAnswer:
        import requests

        request = requests.PreparedRequest()
        request.method, request.url = method, url
        request.headers = requests.structures.CaseInsensitiveDict(headers)
        request.body = body  # type: ignore[assignment]
        options = {**self._options, "stream": False, "timeout": self._timeout}
        answer = self._adapter.send(request, **options)
        return StorageAnswer(answer.status_code, answer.headers, answer.content)

    def close(self) -> None:
        """Closes the connections that nobody uses now; those in use are closed by whoever uses them."""
        if self._adapter is not None:
            self._adapter.close()
        else:
            self._pool.clear()


def _pool(verify: Any, proxy: str | None, connections: int) -> Any:
    import urllib3

    from tui.cloud.http.connections import certificates

    context = certificates(verify)
    options: dict[str, Any] = {"maxsize": connections, "ssl_context": context}
    if proxy is None:
        return urllib3.PoolManager(**options)
    from requests.utils import get_auth_from_url

    user, password = get_auth_from_url(proxy)
    headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}") if user else None
    return urllib3.ProxyManager(proxy, proxy_headers=headers, proxy_ssl_context=context, **options)
