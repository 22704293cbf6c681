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

# With words of which a text must have one, which is found much faster; compiled when first needed, not at the start.
# The first group is kept. A quoted value ends at the quote, one after `=` at `&` (forms), one after `:` at a comma.
_PATTERNS = (
    (("bearer",), r"(?i)(bearer\s+)[\w.~+/=-]{12,}"),
    (
        ("dapi", "gh", "hf_", "xox", "akia"),  # as Databricks, GitHub, Hugging Face, Slack and AWS begin their tokens
        r"()\b(?:dapi[0-9a-f]{16,}(?:-\d)?|(?:gh[a-z]|hf)_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
        r"|xox[a-z]-[\w-]{16,}|AKIA[A-Z0-9]{16})(?![\w-])",
    ),
    (("eyj",), r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # JSON Web Tokens
    (("sig=",), r"(?i)(\bsig=)[^&\s\"']+"),  # in storage URLs, like the next three
    (("sig%",), r"(?i)(sig%(?:25)*3d)[^&\s\"']+"),
    (("=",), r"(?i)((?:sig|se|sv|sks?|skoid)=)[A-Za-z0-9%+/=_-]{20,}"),
    (("=",), r"(?i)([?&](?:s|h|code|token|sv_sig)=)[^&\s\"']{16,}"),
    (
        ("key", "secret", "assertion", "passw", "token", "connection"),
        r"(?i)((?:account_?key|shared_?access_?key|client_?(?:secret|assertion)|password|passwd|"
        r"(?:primary|secondary|api)_?key|(?:access|refresh|sas)_?token|connection_?string)"
        r"\\*[\"']?\s*[=:]\s*\\*[\"']?)"  # JSON in JSON escapes the quotes
        r"(?!\{\{|\$[\w{(]|<[\w -]+>)"  # a reference or placeholder, such as {{secrets/SCOPE/KEY}}
        r"(?:(?<=[\"'])[^\"'\n]*[^\"'\n\\]|(?<==)[^&\s\"']+|[^\s\"',;&]{4,})",
    ),
    (("pwd",), r"(?i)(;\s*pwd\s*=\s*)(?!\$)[^;\s\"']+"),  # in a connection string
    (("@",), r"(://)[^/@\s:'\"`]+:[^/@\s'\"`]+(?=@)"),  # user name and password in a URL
)


_SHORTEST = 8  # characters of a secret value; a shorter one may be part of any word
_START = 48  # characters by which a longer value is found
# Is hidden too where a text goes on differently than the value, perhaps because it is escaped in another way.
_REST = re.compile(r"[^\s\"'<>,;&]*")
_HTML = {'"': "quot", "&": "amp", "<": "lt", ">": "gt", "'": "apos"}
# Variables that hold secrets by their names, in the environment of every process of ours.
_VARIABLE = re.compile(
    r"\w*(SECRET|PASSWORD|PASSWD|ACCESSTOKEN|_TOKEN|API_?KEY|ACCESS_KEY|CONNECTION_STRING|_ASSERTION)|IDENTITY_HEADER",
    re.IGNORECASE,
)
# Of other people's variables, whose names are less strict: a setting such as MAX_TOKENS is none.
_NAMED = re.compile(r"SECRET|PASSW|PWD|TOKEN(?!S|I)|CREDENTIAL|CONNECTION_?STRING|KEY$|_SAS$|_PAT$", re.IGNORECASE)
_RANDOM = re.compile(
    r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w+-]{24,}|[\w+/-]{40,}={1,2}|[0-9a-f]{32}"
    # As Databricks, GitHub, Hugging Face, OpenAI, Slack and AWS begin their tokens and keys.
    r"|(dapi|gh[a-z]_|github_pat_|hf_|sk-|xox[a-z]-|AKIA)[\w-]{16,}",
    re.ASCII,
)
_SETTING = re.compile(r"true|false|none|[\d.]*", re.IGNORECASE)


class Secrets:
    """The secret values that a process holds. Thread-safe."""

    def __init__(self) -> None:
        self._forms: list[_Form] = []
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
            self._forms = sorted({*self._forms, *forms}, key=lambda form: len(form[1]) + len(form[2]), reverse=True)

    def hide(self, text: str) -> str:
        """The text without the learned values, in any of their encodings."""
        for part, start, rest in self._forms:
            if part in text:  # a hundred times faster than the expression, which is needed for few texts
                text = _without(text, _compiled(start), rest)
        return text


# A part of the first characters that no encoding changes, their regular expression, and the other characters.
_Form = tuple[str, str, str]
_compiled = functools.lru_cache(maxsize=1000)(re.compile)


def _without(text: str, start: re.Pattern[str], rest: str) -> str:
    """The text without a value, as far as it is there: a message may be cut in the middle of it."""
    kept, at = [], 0
    while found := start.search(text, at):
        kept += [text[at : found.start()], HIDDEN]
        at = _end(text, found.end(), rest)
    return "".join([*kept, text[at:]])


def _end(text: str, at: int, rest: str) -> int:
    """Where the rest of a value ends whose first characters end at `at`."""
    ends = {at}  # several where a character can be read in more than one way
    for one in rest:
        following = {found.end() for end in ends for way in _compiled_ways(one) if (found := way.match(text, end))}
        if not following:
            return max(found.end() for end in ends if (found := _REST.match(text, end)))
        ends = following
    return max(ends)


def _forms(value: str) -> Iterator[_Form]:
    """The forms of a value: as itself, and within base64 at each of three positions."""
    yield _form(value)
    data = value.encode("utf-8", "surrogatepass")
    for before in range(3):
        # The characters at both ends also hold bits of the neighbours, so they are not compared.
        text = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        yield _form(text[(0, 2, 3)[before] : len(text) if (before + len(data)) % 3 == 0 else -1])


def _form(text: str) -> _Form:
    text = re.sub(r"\\+", r"\\", text)  # of several, `_ways` finds as many as there are
    start = text[:_START]
    expression = "".join(f"(?:{'|'.join(_ways(one))})" for one in start)
    return max(re.split("[^A-Za-z0-9]", start), key=len), expression, text[_START:]


_SOME = r"(?:\\{1,32})"  # backslashes that escape; without a limit, a text of thousands would take minutes


@functools.cache
def _ways(one: str) -> tuple[str, ...]:
    """Regular expressions of a character as JSON, URLs, HTML and shells escape it, also several times."""
    if one.isalnum() and one.isascii():
        return (one,)
    quoted = "".join(f"%(?:25)*{byte:02x}" for byte in one.encode("utf-8", "surrogatepass"))
    units = one.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(rf"{_SOME}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    escapes += rf"|{_SOME}x{ord(one):02x}" if ord(one) < 256 else ""
    names = f"|&{_HTML[one]};" if one in _HTML else ""
    encoded = f"(?i:{quoted}|{escapes}|&#(?:{ord(one)}|x0*{ord(one):x});{names})"
    if one == "\\":
        return (rf"(?:\\|{encoded}){{1,200}}",)  # as many as there are: escaping doubles them
    # Base64 for URLs writes - and _; forms write a blank as +.
    other = {"+": ("-",), "/": ("_",), " ": (r"\+",), "\t": (rf"{_SOME}t",)}.get(one, ())
    return (rf"{_SOME}?{re.escape(one)}", encoded, *other)


@functools.cache
def _compiled_ways(one: str) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, _ways(one)))


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


_REFERENCE = re.compile(r"\$\{(?:env|databricks|keyvault):[^{}]+\}")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable or tag holds a secret: by its name, its characters, or a part that `redact` hides."""
    named = _NAMED.search(name) and not _SETTING.fullmatch(value)
    return bool(named or _RANDOM.fullmatch(value)) or redact(value) != value


def hide_secrets(named: Mapping[str, object]) -> dict[str, object]:
    """Variables or tags to show: what looks like a secret is hidden, and a reference alone is shown as it is."""
    beside = {name: _REFERENCE.sub("", str(value)) for name, value in named.items()}
    return {
        name: HIDDEN if beside[name] and looks_secret(name, beside[name]) else value for name, value in named.items()
    }


def hide(text: str) -> str:
    """Replace the known secrets with `(hidden)`; other texts, which a user may have written so, are kept."""
    return _known.hide(text)


def redact(text: str) -> str:
    """Replace the known secrets, and texts that look like secrets, with `(hidden)`."""
    text = _known.hide(text)
    folded = text.casefold()
    for words, pattern in _PATTERNS:
        if any(word in folded for word in words):
            text = re.sub(pattern, lambda found: found.group(1) + HIDDEN, text)
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


def without_logins(text: str) -> str:
    """The text without secrets, and without logins in its URLs, which a file that is written here must not have."""
    # Before the @ of abfss:// is a container; the second kind of login is conda's.
    return redact(re.sub(r"(?<!abfss)(://)[^/@\s$]+@|(://[^/\s]+/)t/[^/\s]{8,}/", r"\1\2", text))


class RedactingFilter(logging.Filter):
    """A logging filter that removes secrets from log lines, including signatures in URLs."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record; always returns True."""
        record.msg, record.args = redact(record.getMessage()), ()
        return True
