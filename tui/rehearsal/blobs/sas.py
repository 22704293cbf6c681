"""Shared access signatures of containers and of the account, as documented for Blob storage (version 2020-12-06)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from tui.rehearsal.seed import Seed

ACCOUNT = "rehearsal"
VERSION = "2020-12-06"


def account_key(seed: Seed) -> bytes:
    """The storage account's key: 64 bytes, as Azure's are. Who has it may do everything with the account."""
    return seed.derive("storage-account-key") + seed.derive("storage-account-key", "second half")


class SasRefused(Exception):
    """Why a signature gives no access: the storage error code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def _signature(seed: Seed, values: Mapping[str, str], container: str, blob: str) -> str:
    resource = f"/blob/{ACCOUNT}/{container}" + (f"/{blob}" if values.get("sr") == "b" else "")
    fields = [values.get("sp", ""), values.get("st", ""), values.get("se", ""), resource]
    fields += [values.get(name, "") for name in ("si", "sip", "spr", "sv", "sr")]
    # Snapshot time, encryption scope, and the five response headers.
    fields += ["", values.get("ses", "")]
    fields += [values.get(name, "") for name in ("rscc", "rscd", "rsce", "rscl", "rsct")]
    digest = hmac.new(account_key(seed), "\n".join(fields).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def make(seed: Seed, container: str, *, permissions: str, hours: int) -> str:
    """A signature for a whole container: the query string, without question mark."""
    now = datetime.now(timezone.utc)
    values = {
        "sv": VERSION,
        "st": f"{now - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
        "se": f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}",
        "sr": "c",
        "sp": permissions,
        "spr": "https",
    }
    return urlencode({**values, "sig": _signature(seed, values, container, "")})


def _account_signature(seed: Seed, values: Mapping[str, str]) -> str:
    names = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv", "ses")
    text = "\n".join([ACCOUNT, *(values.get(name, "") for name in names), ""])
    return base64.b64encode(hmac.new(account_key(seed), text.encode(), hashlib.sha256).digest()).decode()


def make_account(seed: Seed, *, permissions: str, hours: int) -> str:
    """A signature for all containers of the account: the query string, without question mark."""
    now = datetime.now(timezone.utc)
    values = {
        "sv": VERSION,
        "ss": "b",
        "srt": "sco",
        "sp": permissions,
        "st": f"{now - timedelta(minutes=10):%Y-%m-%dT%H:%M:%SZ}",
        "se": f"{now + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}",
        "spr": "https",
    }
    return urlencode({**values, "sig": _account_signature(seed, values)})


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def check(seed: Seed, query: Mapping[str, str], container: str, blob: str, needed: str) -> None:
    """Accepts a request with this signature. `needed`: permission letters, one of which must be given.

    Raises SasRefused.
    """
    failed = "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
    failed += "correctly including the signature."
    account = "ss" in query
    expected = _account_signature(seed, query) if account else _signature(seed, query, container, blob)
    covers = account and "b" in query["ss"] and ("o" if blob else "c") in query.get("srt", "")
    if not (covers or query.get("sr") in {"b", "c"}) or not hmac.compare_digest(
        expected.encode(), query.get("sig", "").encode("utf-8", "replace")
    ):
        raise SasRefused("AuthenticationFailed", failed)
    now = datetime.now(timezone.utc)
    try:
        started = not query.get("st") or _moment(query["st"]) <= now
        over = _moment(query["se"]) <= now
    except (ValueError, KeyError) as error:
        raise SasRefused("AuthenticationFailed", failed) from error
    if over or not started:
        raise SasRefused("AuthenticationFailed", f"{failed} Signature not valid in the specified time frame.")
    if not set(needed) & set(query.get("sp", "")):
        raise SasRefused(
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )
