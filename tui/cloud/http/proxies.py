"""Reads the proxy and the certificate bundle that the Azure libraries use on this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Proxy:
    """A proxy for HTTPS; `shown` is its address without user name and password."""

    scheme: str
    host: str
    port: int
    shown: str
    credentials: str | None = None  # user:password, never shown

    def __repr__(self) -> str:
        return f"Proxy({self.shown})"


def proxy_for(url: str) -> Proxy | None:
    """The proxy that requests and azure-core would use for a URL, from HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    Raises ValueError for an invalid proxy address.
    """
    from requests.utils import select_proxy

    found = select_proxy(url, for_requests(url))
    return parse(found) if found else None


def for_requests(url: str) -> dict[str, str]:
    """The environment's proxies for a URL as requests takes them; `host:port` without a scheme is an HTTP proxy."""
    from requests.utils import get_environ_proxies

    return {key: one if "://" in one else f"http://{one}" for key, one in get_environ_proxies(url).items() if one}


def parse(text: str) -> Proxy:
    """Parse a proxy's address. Raises ValueError."""
    parts = urlsplit(text if "://" in text else f"http://{text}")  # as in `for_requests`
    if not parts.hostname:
        raise ValueError("The proxy's address has no host.")
    port = parts.port or (443 if parts.scheme == "https" else 1080 if parts.scheme.startswith("socks") else 80)
    user = unquote(parts.username) if parts.username else None
    credentials = None if user is None else f"{user}:{unquote(parts.password or '')}"
    return Proxy(parts.scheme, parts.hostname, port, f"{parts.scheme}://{parts.hostname}:{port}", credentials)


def shown(environ: Mapping[str, str] | None = None) -> str:
    """The environment's proxy for display, without user name and password; empty if there is none."""
    env = os.environ if environ is None else environ
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        if env.get(name):
            try:
                return parse(env[name]).shown
            except ValueError:
                return f"{name}, which is not a valid address"
    return ""


BUILT_IN = "certifi"


@dataclass(frozen=True)
class Trust:
    """The file of certification authorities that the Azure libraries trust, and the variable that names it."""

    variable: str
    path: str

    @property
    def problem(self) -> str:
        """Why the file cannot be used; empty if it can."""
        path = Path(self.path)
        if not path.exists():
            return f"{self.variable} names {self.path}, which does not exist."
        if path.is_dir():
            return ""
        try:
            text = path.read_bytes()
        except OSError as error:
            return f"{self.path} ({self.variable}) cannot be read: {error.strerror}."
        return (
            "" if b"-----BEGIN CERTIFICATE-----" in text else f"{self.path} ({self.variable}) contains no certificates."
        )


def trust(environ: Mapping[str, str] | None = None) -> Trust:
    """The file that requests would use: REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE, else certifi's bundle."""
    env = os.environ if environ is None else environ
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if env.get(variable):
            return Trust(variable, env[variable])
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return Trust(BUILT_IN, str(DEFAULT_CA_BUNDLE_PATH))
