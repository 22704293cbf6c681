"""Checks requests signed with the storage account's key, as documented by Microsoft (Authorize with Shared Key)."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from aiohttp import web

from tui.rehearsal.blobs.sas import ACCOUNT, signed
from tui.rehearsal.seed import Seed

_SIGNED = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip
# A client with an address that has the account in its path uses that as the account's name.
_NAMES = (ACCOUNT, f"{ACCOUNT}.blob.core.windows.net")


def is_signed(seed: Seed, request: web.Request, credential: str) -> bool:
    """Whether `credential`, `ACCOUNT:SIGNATURE`, is the signature of this request under the account's key."""
    account, _, signature = credential.strip().partition(":")
    if account not in _NAMES:
        return False
    expected = signed(seed, _lines(request, account))
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def _lines(request: web.Request, account: str) -> list[str]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if headers.get("content-length") == "0":
        headers["content-length"] = ""
    lines = [request.method, *(headers.get(name, "") for name in _SIGNED)]
    lines += [f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-ms-")]
    # The path as sent, not decoded.
    lines.append(f"/{account}{urlsplit(request.raw_path).path}")
    parameters: dict[str, list[str]] = {}
    for name, value in request.query.items():
        parameters.setdefault(name.lower(), []).append(value)
    return [*lines, *(f"{name}:{','.join(sorted(parameters[name]))}" for name in sorted(parameters))]
