"""Removes secrets and names from exchanges with Azure; keeps known words, dates, numbers and structure.

Text is kept only if it is known to be harmless, so that a secret in an unexpected place is removed too. Names become
placeholders such as {endpoint-1}, the same one for the same name, so that a recording can still be read, compared and
replayed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from tui.cloud.recording.known_words import (
    AUDIENCES,
    BUILT_IN_NAMES,
    FILE_ENDINGS,
    FILE_NAMES,
    FREE_KEYS,
    HEADER_WORDS,
    HOST_SUFFIXES,
    HOSTS,
    KINDS,
    OWN_KEYS,
    QUERY,
    QUERY_NAMES,
    SAFE_FIELDS,
    SECRET_FIELDS,
    SEGMENTS,
    SINGLE,
)

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(?:-preview)?")
_DURATION = re.compile(r"P(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:[\d.]+S)?)?")
_HTTP_DATE = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_NUMBER = re.compile(r"\d{1,6}|\d{1,10}(?:\.\d{1,6})?")
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9 ._:,/()-]{0,99}")
_KEY = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.@$-]{0,60}")
_OPERATION = re.compile(rf"[a-z]{{2,10}}(?::{_GUID.pattern})+")
_REGION = re.compile(r"[a-z]{4,20}\d?")
_PROVIDER = re.compile(r"Microsoft\.[A-Za-z.]{2,60}", re.IGNORECASE)
_ACCOUNT = re.compile(r"([^/?#@]+)\.(blob|dfs)\.([a-z0-9.-]+)", re.IGNORECASE)
_QUOTA = re.compile(r"(?:standard|basic|total|online|batch|dedicated|lowpriority|low-priority)[A-Za-z0-9_ -]*", re.I)
# Words as in enumerations: Succeeded, AADToken, custom_model, Standard_DS3_v2, a resource's type.
_ENUMERATED = re.compile(
    r"[A-Z][A-Za-z0-9]*|[a-z]+(?:_[a-z]+)+|(?:Standard|Basic)_[A-Za-z0-9_-]+|standard[A-Za-z0-9_]+"
    r"|Microsoft\.[A-Za-z]+(?:/[A-Za-z]+)*|default|gen[12]|https?|batch|image|enabled|disabled|minute|hour|day"
)
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
_SIZE = re.compile(r"(?:Standard|Basic)_[A-Za-z0-9_-]{1,40}|default", re.IGNORECASE)
_IMAGE = re.compile(r"mcr\.microsoft\.com/[a-z0-9./_-]{1,120}(?::[A-Za-z0-9._-]{1,60})?")
# What must not be in a line, whatever was decided about its parts.
_LEFT_OVER = (
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), "{token}"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "{address}"),
    (re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"), "{ip}"),
)
_MAX_SECRETS = 200
_FREE = "*"  # the name of a field in which users choose names, and of everything below it


class Redactor:
    """Replaces what must not be in a recording. Use one for each recording; not thread-safe."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._known: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._secrets: dict[str, None] = {}

    # Secrets that were seen

    def learn(self, secret: str | None) -> None:
        """Remember a secret in memory, so that it is removed from all lines written after this."""
        if not secret or len(secret) < 6 or secret in self._secrets:
            return
        # Literally, and encoded as in JSON or in a URL.
        for form in dict.fromkeys((secret, json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe=""))):
            if len(self._secrets) >= _MAX_SECRETS:
                self._secrets.pop(next(iter(self._secrets)))
            self._secrets[form] = None

    def seal(self, line: str) -> str:
        """Remove from a line all secrets seen so far, tokens, e-mail addresses and IP addresses."""
        for secret in self._secrets:
            if secret in line:
                line = line.replace(secret, "{secret}")
        for pattern, stands_for in _LEFT_OVER:
            line = pattern.sub(stands_for, line)
        return line

    # Names

    def name(self, kind: str, value: str) -> str:
        """The placeholder of a name; names are case-insensitive."""
        key = (kind, value.lower())
        found = self._names.get(key)
        if found is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            found = f"{{{kind}}}" if kind in SINGLE and number == 1 else f"{{{kind}-{number}}}"
            self._names[key] = found
            self._known.setdefault(value.lower(), found)
        return found

    # Addresses

    def url(self, text: str) -> str:
        """Anonymise a URL: keep known hosts and path words, replace names, remove signatures."""
        try:
            parts = urlsplit(text)
            host, path = self._host(parts.hostname or "", parts.port), parts.path
        except ValueError:
            return "{url}"
        own_account = _ACCOUNT.fullmatch(path.lstrip("/").partition("/")[0])
        if own_account:
            # Path style: the account is the first part of the path.
            _, _, path = path.lstrip("/").partition("/")
            host = self._account(f"{parts.netloc}/{own_account.group(1)}", own_account)
            path = f"/{path}" if path else ""
        is_blob = own_account or _ACCOUNT.fullmatch(parts.hostname or "")
        shown = self._blob_path(path) if is_blob else self.path(path)
        query = self._query(parts.query)
        return f"{parts.scheme}://{host}{shown}{'?' + query if query else ''}"

    def path(self, text: str) -> str:
        """Anonymise a path or resource id of Resource Manager or the login service."""
        shown: list[str] = []
        before = ""
        for raw in text.split("/"):
            part = unquote(raw)
            if before == "paths":
                shown.append(self._file(part) if part else "")
                continue
            if not part or part.lower() in SEGMENTS or _PROVIDER.fullmatch(part):
                shown.append(part)
            else:
                shown.append(self._path_name(KINDS.get(before, ""), part))
            before = part.lower()
        return "/".join(shown)

    def _path_name(self, kind: str, part: str) -> str:
        if _OPERATION.fullmatch(part):
            return self._guids(part)
        if part in BUILT_IN_NAMES or (kind == "location" and _REGION.fullmatch(part)):
            return part
        if kind == "version" and _NUMBER.fullmatch(part):
            return part
        if kind == "quota" and _QUOTA.fullmatch(part) and _WORDS.fullmatch(part):
            return part
        if kind == "location":
            return "{location}"
        if not kind:
            known = self._known.get(part.lower())
            return known or self.name("tenant" if _GUID.fullmatch(part) else "segment", part)
        return self.name(kind, part)

    def _host(self, host: str, port: int | None) -> str:
        account = _ACCOUNT.fullmatch(host)
        if account:
            return self._account(account.group(1), account)
        if host in HOSTS:
            return host
        suffix = next((known for known in HOST_SUFFIXES if host.endswith(known)), "")
        return self.name("host", f"{host}:{port or ''}") + suffix

    def _account(self, account: str, match: re.Match[str]) -> str:
        suffix = match.group(3).lower()
        known = any(suffix == item.partition(".blob.")[2] for item in HOST_SUFFIXES if ".blob." in item)
        return f"{self.name('account', account)}.{match.group(2).lower()}.{suffix if known else '{suffix}'}"

    def _blob_path(self, path: str) -> str:
        parts = [unquote(part) for part in path.lstrip("/").split("/")]
        container = parts[0] if parts[0] in BUILT_IN_NAMES or not parts[0] else self.name("container", parts[0])
        return "/".join(["", container, *(self._file(part) for part in parts[1:])])

    def _file(self, part: str) -> str:
        """Anonymise a folder's or file's name: keep well-known names, and well-known endings of others."""
        if not part or part in FILE_NAMES:
            return part
        ending = "." + part.rpartition(".")[2].lower() if "." in part else ""
        return self.name("file", part) + (ending if ending in FILE_ENDINGS else "")

    def files(self, text: str) -> str:
        """Anonymise a relative path."""
        return "/".join(self._file(part) for part in text.split("/"))

    def _query(self, query: str) -> str:
        shown = []
        for key, value in parse_qsl(query, keep_blank_values=True):
            low = key.lower()
            if low in QUERY_NAMES:
                kept = self.files(value) if QUERY_NAMES[low] == "file" else self.name(QUERY_NAMES[low], value)
            elif low in QUERY:
                kept = quote(value, safe="$,") if re.fullmatch(r"[A-Za-z0-9 ._,-]{0,40}", value) else "{value}"
            elif low in ("resource", "scope"):
                kept = self.audience(value)
            else:
                self.learn(value if low in ("sig", "sas", "token", "code") else None)
                kept = "{value}"
            shown.append(f"{key if re.fullmatch(r'[A-Za-z$_-]{1,24}', key) else '{key}'}={kept}")
        return "&".join(shown)

    def audience(self, text: str) -> str:
        """Anonymise a token's audience: a known one, or a placeholder."""
        shown = []
        for one in text.split():
            base, _, rest = one.partition("/.default")
            known = base.rstrip("/") in AUDIENCES
            shown.append((base if known else "{audience}") + ("/.default" if "/.default" in one else rest))
        return " ".join(shown)

    def _guids(self, text: str) -> str:
        return _GUID.sub(lambda found: self.name("guid", found.group()), text)

    # Bodies

    def body(self, content: Any, field: str = "", inside: str = "") -> Any:
        """Anonymise a JSON value; structure and types are kept."""
        if isinstance(content, dict):
            # Azure's resources hold free texts of the user in properties.properties.
            free = field in FREE_KEYS or field == _FREE or (field == "properties" and inside == "properties")
            return {
                self._key(str(key), free): self.body(value, _own(str(key)) if free else str(key), field)
                for key, value in content.items()
            }
        if isinstance(content, list):
            return [self.body(item, field, inside) for item in content]
        if isinstance(content, str):
            return self._text(field, content)
        if isinstance(content, bool) or content is None:
            return content
        if _is_secret(field):
            return 0
        return content

    def _key(self, key: str, free: bool) -> str:
        if key.startswith("/subscriptions/"):
            return self.path(key)
        if not free:
            return self._guids(key) if _KEY.fullmatch(key) and not _long(key) else self.name("key", key)
        if key.startswith(OWN_KEYS) and _KEY.fullmatch(key):
            return key
        return self._known.get(key.lower()) or self.name("key", key)

    def _text(self, field: str, text: str) -> str:
        if not text:
            return text
        low = text.lower()
        if low.startswith(("https://", "http://")):
            return self.url(text)
        if _is_secret(field):
            self.learn(text)
            return "{secret}"
        if _GUID.fullmatch(text):
            return self.name("tenant" if field.lower() in ("tenant", "tenantid", "tid") else "guid", text)
        for pattern in (_TIME, _DURATION, _NUMBER, _VERSION):
            if pattern.fullmatch(text):
                return text
        if low.startswith("azureml:/"):
            return "azureml:" + self.path(text[len("azureml:") :])
        if low.startswith(("/subscriptions/", "subscriptions/")):
            return self.path(text)
        if _OPERATION.fullmatch(text):
            return self._guids(text)
        return self._word(field, text)

    def _word(self, field: str, text: str) -> str:
        if field == "condaFile":
            return "{conda-file}"
        if field == "image":
            return text if _IMAGE.fullmatch(text) else "{image}"
        if field == "scoringScript":
            return self.files(text)
        if field in ("hash_sha256", "hash"):
            return self.name("hash", text)
        if field in ("containerName", "filesystem", "fileShareName"):
            return self.name("container", text)
        if field in ("error_description", "message") and (code := re.match(r"AADSTS\d{5,8}", text)):
            return f"{code.group()}: {{text}}"
        if field in ("value", "localizedValue") and _QUOTA.fullmatch(text) and harmless(text):
            return text
        if field == "location" and _REGION.fullmatch(text):
            return text
        if field in SAFE_FIELDS and enumerated(text):
            return text
        if text in BUILT_IN_NAMES or (field == "name" and _SIZE.fullmatch(text) and harmless(text)):
            return text
        return self._known.get(text.lower()) or "{text}"

    # Headers

    def header(self, name: str, value: str) -> str:
        """Anonymise the value of a header."""
        low = name.lower()
        if low == "user-agent":
            found = re.findall(r"(?:azsdk-python-[a-z-]+|azure-ai-ml|aml-deploy|Python)/\d[\w.]{0,20}", value)
            return " ".join(found)
        if low == "www-authenticate":
            return f"{value.split()[0]} {{text}}" if value.split()[:1] in (["Bearer"], ["Basic"]) else "{text}"
        if value.lower().startswith(("https://", "http://")):
            return self.url(value)
        if low == "azureml-model-deployment":
            return self._known.get(value.lower()) or self.name("deployment", value)
        if low in HEADER_WORDS:
            word = value.partition(";")[0].strip()
            if enumerated(word) or (_MEDIA_TYPE.fullmatch(word) and not _long(word)):
                return word
        if _GUID.fullmatch(value):
            return "{guid}"  # ids of single requests: numbering them would cost memory without benefit
        for pattern in (_NUMBER, _VERSION, _TIME, _DURATION, _HTTP_DATE):
            if pattern.fullmatch(value):
                return value
        return value if value.lower() in ("true", "false", "*") else "{value}"

    def form(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Anonymise a token request: keep only the grant type and the audience."""
        kept = {}
        for key, value in fields.items():
            if key == "grant_type":
                kept[key] = value if enumerated(value) else "{value}"
            elif key in ("scope", "resource"):
                kept[key] = self.audience(value)
            else:
                self.learn(value if _is_secret(key) else None)
                kept[key if _KEY.fullmatch(key) else "{key}"] = "{value}"
        return kept


def _own(key: str) -> str:
    """The name of a field if it is Azure's or ours, although users choose names at its level."""
    return key if key.startswith(OWN_KEYS) else _FREE


def harmless(text: str) -> bool:
    """Whether a text looks like words of an interface: few digits, nothing that looks random."""
    return bool(_WORDS.fullmatch(text)) and sum(map(str.isdigit, text)) <= 8 and not _long(text)


def enumerated(text: str) -> bool:
    """Whether a text has the form of an enumeration's value."""
    return bool(_ENUMERATED.fullmatch(text)) and harmless(text)


def _long(text: str) -> bool:
    """Whether a text contains 20 or more characters with three digits, or 48 letters, and so is not a word."""
    return any(
        len(run) >= 48 or (len(run) >= 20 and sum(map(str.isdigit, run)) >= 3)
        for run in re.findall(r"[A-Za-z0-9_+=~-]+", text)
    )


def _is_secret(field: str) -> bool:
    return field not in SAFE_FIELDS and not field.lower().endswith("uri") and bool(SECRET_FIELDS.search(field))
