"""Authenticates requests to Blob storage: by a shared access signature, the account's key, or an identity's token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from email.utils import formatdate
from typing import Any, Callable
from urllib.parse import quote, urlsplit

VERSION = "2022-11-02"  # of the storage's interface: blocks of up to 4,000 MiB, tokens, metadata in lists
SCOPE = "https://storage.azure.com/.default"  # in every cloud (Microsoft, authorize-access-azure-active-directory)

_SIGNED = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)


class Access:
    """Signs requests; thread-safe.

    `credential` is a signature's query string, an account key, or a `SharedToken`. `renew` returns a new one
    if it can, so that a signature that expires during an upload does not end the upload.
    """

    def __init__(self, account_url: str, credential: Any, renew: Callable[[], Any] | None = None) -> None:
        parts = urlsplit(account_url)
        # As in the SDK: the first label of the host, or the first part of the path if the host is an IP address.
        self._account = (parts.path.strip("/") or str(parts.hostname)).split(".")[0]
        self._credential, self._renew = credential, renew
        self._lock = threading.Lock()
        self.generation = 0

    def sign(self, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> tuple[str, int]:
        """Add the authentication to a request; return its query string and the generation of the credential.

        `path` and headers are as sent, header names in lower case. Raises what `get_token` raises.
        """
        headers["x-ms-version"] = VERSION
        headers["x-ms-date"] = formatdate(usegmt=True)
        text = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in query.items())
        with self._lock:
            credential, generation = self._credential, self.generation
        if hasattr(credential, "get_token"):
            headers["authorization"] = f"Bearer {credential.get_token(SCOPE).token}"
        elif "&" in credential or credential.startswith("sig="):  # a key is in base64
            text = f"{text}&{credential}" if text else credential
        else:
            signature = self._signature(credential, method, path, query, headers)
            headers["authorization"] = f"SharedKey {self._account}:{signature}"
        return text, generation

    def renewed(self, generation: int) -> bool:
        """After a refusal of a request signed in `generation`, whether there is a new credential to try.

        Raises what `renew` or `get_token` raises.
        """
        with self._lock:
            if generation != self.generation:
                return True  # another thread has renewed it
            credential = self._renew() if self._renew is not None else None
            if credential is None and not hasattr(self._credential, "get_token"):
                return False
            self._credential = credential or self._credential
            if hasattr(self._credential, "forget"):
                self._credential.forget()
            self.generation += 1
            return True

    def _signature(self, key: str, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> str:
        """The signature with an account key (Microsoft, authorize-with-shared-key)."""
        lines = [method]
        for name in _SIGNED:
            value = headers.get(name, "")
            lines.append("" if name == "content-length" and value == "0" else value)
        lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
        lines.append(f"/{self._account}{path}")
        lines += [f"{name}:{query[name]}" for name in sorted(query)]
        digest = hmac.new(base64.b64decode(key), "\n".join(lines).encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()
