"""Creates and checks shared access signatures, as documented for Blob storage (version 2020-12-06)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from tui.rehearsal.blobs.answers import not_authentic, not_permitted
from tui.rehearsal.seed import Seed

ACCOUNT = "rehearsal"
VERSION = "2020-12-06"


def account_key(seed: Seed) -> bytes:
    """The storage account's key: 64 bytes, as in Azure. It grants full access to the account."""
    return seed.derive("storage-account-key") + seed.derive("storage-account-key", "second half")


def signed(seed: Seed, lines: Iterable[str]) -> str:
    """The signature of these lines under the account's key, in base64."""
    text = "\n".join(lines).encode("utf-8", "replace")
    return base64.b64encode(hmac.new(account_key(seed), text, hashlib.sha256).digest()).decode()


def _signature(seed: Seed, values: Mapping[str, str], container: str, blob: str) -> str:
    resource = f"/blob/{ACCOUNT}/{container}" + (f"/{blob}" if values.get("sr") == "b" else "")

    def lines(*names: str) -> list[str]:
        return [values.get(name, "") for name in names]

    # The empty line is the snapshot's time; five response headers follow the encryption scope.
    later = lines("ses", "rscc", "rscd", "rsce", "rscl", "rsct")
    return signed(seed, [*lines("sp", "st", "se"), resource, *lines("si", "sip", "spr", "sv", "sr"), "", *later])


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
    return signed(seed, [ACCOUNT, *(values.get(name, "") for name in names), ""])


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
    """Check the signature of a request. `needed` are permission letters, one of which must be granted.

    Raises BlobError.
    """
    account = "ss" in query
    expected = _account_signature(seed, query) if account else _signature(seed, query, container, blob)
    covers = account and "b" in query["ss"] and ("o" if blob else "c") in query.get("srt", "")
    if not (covers or query.get("sr") in {"b", "c"}) or not hmac.compare_digest(
        expected.encode(), query.get("sig", "").encode("utf-8", "replace")
    ):
        raise not_authentic()
    now = datetime.now(timezone.utc)
    try:
        started = not query.get("st") or _moment(query["st"]) <= now
        over = _moment(query["se"]) <= now
    except (ValueError, KeyError) as error:
        raise not_authentic() from error
    if over or not started:
        raise not_authentic(" Signature not valid in the specified time frame.")
    if not set(needed) & set(query.get("sp", "")):
        raise not_permitted()
