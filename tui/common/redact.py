"""Takes secrets out of what is shown, logged or written: values that are known, and what looks like one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, Callable

HIDDEN = "(hidden)"

# The first group stays. A value in quotes ends with them; one after `=` at `&`, as in forms; one after `:` at a comma.
_PATTERNS = (
    re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{12,}"),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Tokens
    re.compile(r"(?i)(\bsig=)[^&\s\"']+"),  # of addresses of storage, as the next two
    re.compile(r"(?i)((?:sig|se|sv|sks?|skoid)=)[A-Za-z0-9%+/=_-]{20,}"),
    re.compile(r"(?i)([?&](?:s|h|code|token|sv_sig)=)[^&\s\"']{16,}"),
    re.compile(
        r"(?i)((?:account_?key|shared_?access_?key|client_?(?:secret|assertion)|password|passwd|"
        r"(?:primary|secondary|api)_?key|(?:access|refresh|sas)_?token|connection_?string)[\"']?\s*[=:]\s*[\"']?)"
        r"(?:(?<=[\"'])[^\"'\n]+|(?<==)[^&\s\"']+|[^\s\"',;&]{4,})"
    ),
    re.compile(r"(://)[^/@\s:'\"`]+:[^/@\s'\"`]+(?=@)"),  # user and password of an address
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets, and without what looks like one: `(hidden)` stands in their places."""
    text = hide(text, secrets)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: found.group(1) + HIDDEN, text)
    return text


def hide(text: str, secrets: Iterable[str], shown: str = HIDDEN, shortest: int = 1) -> str:
    """The text with `shown` in the places of secrets. One that is shorter than `shortest` is hidden only where it is
    all of the text: within longer ones it would be found in words that have nothing to do with it."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret and (text == secret or len(secret) >= shortest):
            text = text.replace(secret, shown)
    return text


def hide_logins(text: str) -> str:
    """The text without what stands before the @ of addresses, for example of package indexes."""
    return re.sub(r"://[^/@\s'\"`]+@", "://***@", text)


def each_text(data: Any, change: Callable[[str], str]) -> Any:
    """Nested dicts and lists with every text in them changed; names stay."""
    if isinstance(data, dict):
        return {name: each_text(item, change) for name, item in data.items()}
    if isinstance(data, list):
        return [each_text(item, change) for item in data]
    return change(data) if isinstance(data, str) else data


class RedactingFilter(logging.Filter):
    """Takes secrets out of lines of a log; addresses with signatures are part of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Changes the record; every one is let through."""
        record.msg, record.args = redact(record.getMessage()), ()
        return True
