"""Removes secrets from everything shown, logged or written: known values, and texts that look like secrets."""

from __future__ import annotations

import base64
import functools
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Callable
from urllib.parse import unquote

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
        r"(?!\{\{|\$[\w{(]|<[\w -]+>)"  # a reference or a placeholder, such as {{secrets/SCOPE/KEY}} in an instruction
        r"(?:(?<=[\"'])[^\"'\n]+|(?<==)[^&\s\"']+|[^\s\"',;&]{4,})"
    ),
    re.compile(r"(://)[^/@\s:'\"`]+:[^/@\s'\"`]+(?=@)"),  # user name and password in a URL
)


_SHORTEST = 8  # characters of a secret value; a shorter one may be part of any word
_LONGEST = 8192  # characters that are compared; what follows up to a blank or quote is hidden with them
_PIECE = 48  # as many characters, or a sixteenth of what follows them, are hidden even if a text is cut after them
_REST = r"[^\s\"'<>,;&]*"
_HTML = {'"': "quot", "&": "amp", "<": "lt", ">": "gt", "'": "apos"}
# Variables that hold secrets by their names, in the environment of every process of ours.
_VARIABLE = re.compile(
    r"\w*(SECRET|PASSWORD|PASSWD|ACCESSTOKEN|_TOKEN|API_?KEY|ACCESS_KEY|CONNECTION_STRING|_ASSERTION)|IDENTITY_HEADER",
    re.IGNORECASE,
)


class Secrets:
    """The secret values that a process holds. Thread-safe."""

    def __init__(self) -> None:
        self._forms: list[tuple[str, str, str]] = []  # of `_escaped`
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def learn(self, *values: object) -> None:
        """Hide these texts of eight characters and more from now on, and each line of them."""
        lines = {line.strip() for value in values if isinstance(value, str) for line in value.splitlines()}
        new = {line for line in lines if len(line) >= _SHORTEST} - self._known
        if not new:
            return
        forms = {form for line in new for form in _forms(line)}
        with self._lock:
            self._known |= new
            self._forms = sorted({*self._forms, *forms}, key=lambda form: len(form[2]), reverse=True)

    def hide(self, text: str) -> str:
        """The text without the learned values, in any of their encodings."""
        for part, start, whole in self._forms:
            # The part is a hundred times faster than the expressions, which are needed for few texts.
            if part in text and _compiled(start).search(text):
                text = _compiled(whole).sub(HIDDEN, text)
        return text


_compiled = functools.lru_cache(maxsize=1000)(re.compile)


def _forms(value: str) -> Iterator[tuple[str, str, str]]:
    """What `_escaped` returns for a value as itself, and for it within base64 at each of three positions."""
    yield _escaped(value)
    data = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        # The characters at both ends also hold bits of the neighbours, so they are not compared.
        text = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        yield _escaped(text[(0, 2, 3)[before] : len(text) if (before + len(data)) % 3 == 0 else -1])


def _escaped(text: str) -> tuple[str, str, str]:
    """A part that no encoding changes, and two regular expressions for a text as JSON, URLs, HTML and shells escape it.

    Also if they do it several times. The first is for its first characters only: to compile the second, for all of it,
    may take a second for a key file.
    """
    start, more = text[:_PIECE], text[_PIECE:_LONGEST]
    size = max(_PIECE, -(-len(more) // 16))
    ways = _REST if len(text) > _LONGEST else ""
    for at in reversed(range(0, len(more), size)):
        ways = f"(?:{_ways(more[at : at + size])}{ways}|{_REST})"
    return max(re.split("[^A-Za-z0-9]", start), key=len), _ways(start), _ways(start) + ways


def _ways(text: str) -> str:
    return "".join(one if one.isalnum() and one.isascii() else _any_way(one) for one in text)


@functools.cache
def _any_way(one: str) -> str:
    quoted = "".join(f"%(?:25)*{byte:02x}" for byte in one.encode("utf-8", "surrogatepass"))
    units = one.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(rf"\\+u{units[at : at + 4]}" for at in range(0, len(units), 4))
    escapes += rf"|\\+x{ord(one):02x}" if ord(one) < 256 else ""
    names = f"|&{_HTML[one]};" if one in _HTML else ""
    plain = r"\\+" if one == "\\" else r"\\*" + re.escape(one)
    # Base64 for URLs writes - and _; forms write a blank as +.
    other = {"+": "|-", "/": "|_", " ": r"|\+", "\t": r"|\\+t"}.get(one, "")
    return f"(?:{plain}|(?i:{quoted}|{escapes}|&#(?:{ord(one)}|x0*{ord(one):x});{names}){other})"


_known = Secrets()


def learn(*values: object) -> None:
    """Hide these secret values in everything that this process shows, logs or writes; short ones are ignored."""
    _known.learn(*values)
    for value in values:
        learn_signature(value if isinstance(value, str) else "")


def learn_signature(address: str) -> None:
    """Hide the signature of an address or a SAS."""
    _known.learn(*(unquote(part[4:]) for part in re.split("[?&]", address) if part.startswith("sig=")))


def learn_environment(environ: Mapping[str, str]) -> None:
    """Hide the values of variables whose names say that they are secrets, such as AZURE_CLIENT_SECRET."""
    _known.learn(*(value for name, value in environ.items() if _VARIABLE.fullmatch(name)))


def hide(text: str) -> str:
    """Replace the known secrets with `(hidden)`; other texts, which a user may have written so, are kept."""
    return _known.hide(text)


def redact(text: str) -> str:
    """Replace the known secrets, and texts that look like secrets, with `(hidden)`."""
    text = _known.hide(text)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda found: found.group(1) + HIDDEN, text)
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
