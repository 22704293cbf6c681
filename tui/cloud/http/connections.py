"""Connections over HTTPS that share one set of certificates.

Requests reads the whole certificate bundle for every new connection: 55 ms of processor time each, measured with
certifi's bundle and OpenSSL 3. A preflight opens a dozen of them at the same time.
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

AZURE_RETRIES = Retry(total=False, redirect=False, raise_on_status=False)
"""As azure-core's own transport: trying again is for the client's policies, which want urllib3's own errors."""

_lock = threading.Lock()
_contexts: dict[tuple[str, float], ssl.SSLContext] = {}


def certificates(verify: bool | str) -> ssl.SSLContext:
    """The context that trusts a bundle or a folder of certificates; with True, certifi's. Raises OSError.

    Made once and kept; a bundle that has changed is read again.
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
    """As requests' own, with one context for all connections where it would make one for each.

    A client certificate, and verification switched off by whoever calls, are left to requests.
    """

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        """The host and what its pool of connections is made with (requests 2.32)."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if _shared(host["scheme"], verify, cert):
            pool = {"cert_reqs": "CERT_REQUIRED", "ssl_context": certificates(verify)}
        return host, pool

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """What requests would do to the pool: read the bundle again for each of its connections."""
        if not _shared(url.partition(":")[0], verify, cert):
            super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]


def _shared(scheme: str, verify: Any, cert: Any) -> bool:
    return scheme.lower() == "https" and bool(verify) and not cert


def session(connections: int = 10, retries: Retry | int = 0) -> requests.Session:
    """A session of requests that shares its certificates with every other one; proxies are the environment's."""
    made = requests.Session()
    for scheme in ("https://", "http://"):
        made.mount(scheme, SharingAdapter(pool_connections=10, pool_maxsize=connections, max_retries=retries))
    return made


def transport(through: requests.Session | None = None) -> Any:
    """A transport for clients of azure-core, with a session that is given or with one of its own."""
    from azure.core.pipeline.transport import RequestsTransport

    return RequestsTransport(session=through or session(32, AZURE_RETRIES), session_owner=False)
