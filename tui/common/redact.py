"""Removes secrets from everything shown, logged or written: known values, and texts that look like secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, Callable

HIDDEN = "(hidden)"

# The first group is kept. A quoted value ends at the quote, one after `=` at `&` (forms), one after `:` at a comma.
_PATTERNS = (
    re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{12,}"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Tokens
    re.compile(r"(?i)(\bsig=)[^&\s\"']+"),  # in storage URLs, like the next two
    re.compile(r"(?i)((?:sig|se|sv|sks?|skoid)=)[A-Za-z0-9%+/=_-]{20,}"),
    re.compile(r"(?i)([?&](?:s|h|code|token|sv_sig)=)[^&\s\"']{16,}"),
    re.compile(
        r"(?i)((?:account_?key|shared_?access_?key|client_?(?:secret|assertion)|password|passwd|"
        r"(?:primary|secondary|api)_?key|(?:access|refresh|sas)_?token|connection_?string)[\"']?\s*[=:]\s*[\"']?)"
        r"(?:(?<=[\"'])[^\"'\n]+|(?<==)[^&\s\"']+|[^\s\"',;&]{4,})"
    ),
    re.compile(r"(://)[^/@\s:'\"`]+:[^/@\s'\"`]+(?=@)"),  # user name and password in a URL
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace these secrets, and texts that look like secrets, with `(hidden)`."""
    text = hide(text, secrets)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: found.group(1) + HIDDEN, text)
    return text


def hide(text: str, secrets: Iterable[str], shown: str = HIDDEN, shortest: int = 1) -> str:
    """Replace secrets with `shown`. A secret shorter than `shortest` is replaced only if it is the whole text, since
    it could be part of unrelated words."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret and (text == secret or len(secret) >= shortest):
            text = text.replace(secret, shown)
    return text


def hide_logins(text: str) -> str:
    """Remove user names and passwords before the @ of URLs, such as those of package indexes."""
    return re.sub(r"://[^/@\s'\"`]+@", "://***@", text)


def each_text(data: Any, change: Callable[[str], str]) -> Any:
    """Apply `change` to every text in nested dicts and lists; keys are kept."""
    if isinstance(data, dict):
        return {name: each_text(item, change) for name, item in data.items()}
    if isinstance(data, list):
        return [each_text(item, change) for item in data]
    return change(data) if isinstance(data, str) else data


class RedactingFilter(logging.Filter):
    """A logging filter that removes secrets from log lines, including signatures in URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; always returns True."""
        record.msg, record.args = redact(record.getMessage()), ()
        return True
