"""HTTPS connections that share one set of certificates, and whose answers have a limit as a whole.

Requests reads the whole certificate bundle for every new connection: 55 ms of processor time each, measured with
certifi's bundle and OpenSSL 3. A preflight opens a dozen connections at the same time.
"""

from __future__ import annotations

import ssl
import threading
from pathlib import Path
from typing import Any

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tui.cloud.http.logged_call import logged
from tui.cloud.http.proxies import BUILT_IN, for_requests, trust
from tui.common import redact
from tui.common.deadlines import NoAnswer, Question

AZURE_RETRIES = Retry(total=False, redirect=False, raise_on_status=False)
"""As in azure-core's own transport: retries are up to the client's policies, which expect urllib3's own errors."""

CONNECT_SECONDS, READ_SECONDS = 10, 60
"""To connect, and to wait for the first byte of an answer."""

WHOLE_SECONDS = 30.0
"""How much longer than connecting and waiting for the first byte an answer may take."""

_SIGNING = ("Authorization", "X-IDENTITY-HEADER", "secret")

_lock = threading.Lock()
_contexts: dict[tuple[str, float], ssl.SSLContext] = {}


def certificates(verify: bool | str) -> ssl.SSLContext:
    """The SSL context that trusts a bundle or folder of certificates; with True, certifi's. Raises OSError.

    Cached; a bundle that has changed is read again.
    """
    bundle = Path(verify if isinstance(verify, str) else certifi.where())
    key = (str(bundle), bundle.stat().st_mtime)
    with _lock:
        if key not in _contexts:
            context = urllib3.util.ssl_.create_urllib3_context()
            context.load_verify_locations(**{"capath" if bundle.is_dir() else "cafile": str(bundle)})
            _contexts[key] = context
        return _contexts[key]


class SharingAdapter(HTTPAdapter):
    """Like requests' own adapter, but with one SSL context for all connections instead of one for each.

    Client certificates and disabled verification are left to requests. With `limited`, an answer that is not streamed
    has a limit as a whole: requests' own limits start anew with each byte.
    """

    def __init__(self, limited: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self._limited = limited

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send a request. Raises what requests raises; ReadTimeout at the limit, and when the caller's wait is over."""
        learn_sent(request)

        def exchange() -> requests.Response:
            answer = HTTPAdapter.send(self, request, stream, timeout, verify, cert, proxies)
            if not stream:
                answer.content  # noqa: B018 (reads it)
            return answer

        with logged(request) as answered:
            if stream or not self._limited or timeout is None:
                answered.append(exchange())
            else:
                seconds = sum(timeout) if isinstance(timeout, tuple) else timeout
                try:
                    answered.append(Question(exchange, seconds + WHOLE_SECONDS).answer())
                except NoAnswer as late:
                    raise requests.ReadTimeout(str(late), request=request) from None
        return answered[0]

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """The host and the arguments of its connection pool (requests 2.32)."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if _shared(host["scheme"], verify, cert):
            pool = {"cert_reqs": "CERT_REQUIRED", "ssl_context": certificates(verify)}
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Keep requests from reading the bundle again for each connection of the pool."""
        if not _shared(url.partition(":")[0], verify, cert):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


def learn_sent(request: requests.PreparedRequest) -> None:
    """Know what a request signs in with as a secret, before its answer can echo it."""
    redact.learn(*(str(request.headers.get(name) or "").rpartition(" ")[2] for name in _SIGNING))
    redact.learn_signature(str(request.url))


def _shared(scheme: str, verify: Any, cert: Any) -> bool:
    return scheme.lower() == "https" and bool(verify) and not cert


class AzureSession(requests.Session):
    """A session for signed requests: proxies and certificates come from the environment, but nothing else.

    With its `trust_env`, requests would replace a token by what a `.netrc` file has for the host, or for any host.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """The proxy of `proxies.for_requests` and the bundle of `proxies.trust`, unless others are given."""
        proxies = {**for_requests(str(url)), **(proxies or {})}
        if verify is True or verify is None:
            found = trust()
            verify = verify if found.variable == BUILT_IN else found.path
        return super().merge_environment_settings(url, proxies, stream, verify, cert)


def session(connections: int = 10, retries: Retry | int = 0, limited: bool = True) -> requests.Session:
    """A requests session that shares its certificates with all others; proxies come from the environment.

    `limited` is whether answers have a limit as a whole; the upload of a large block on a slow line has none.
    """
    made = AzureSession()
    for scheme in ("https://", "http://"):
        adapter = SharingAdapter(limited, pool_connections=10, pool_maxsize=connections, max_retries=retries)
        made.mount(scheme, adapter)
    return made


def transport(through: requests.Session | None = None) -> Any:
    """A transport for azure-core clients, with the given session or a new one.

    The limits are those of all requests: a client does not pass its own on to a transport that it is given, and
    azure-core's are five minutes to connect and five to the first byte, four times.
    """
    from tui.cloud.http.retry import PatientTransport

    return PatientTransport(
        session=through or session(32, AZURE_RETRIES),
        session_owner=False,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
    )
