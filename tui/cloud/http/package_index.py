"""Reads releases and their Python versions from a package index (simple repository API, PEP 503 and 691).

Queried directly instead of by pip or uv, since a full resolution takes too long for a preflight.
"""

from __future__ import annotations

import configparser
import functools
import html
import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

PUBLIC = "https://pypi.org/simple"
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_TIMES = (3.0, 5.0)  # seconds to connect, and to wait for the next bytes
_KEPT = 600.0  # seconds that a response is cached
_FILE_PARTS = re.compile(r"<a\s([^>]*)>(.*?)</a>", re.IGNORECASE | re.DOTALL)
_known: dict[tuple[str, str], tuple[float, list[File] | None]] = {}


class Unreachable(Exception):
    """No index answered; the text names it."""


@dataclass(frozen=True)
class File:
    """One file of a package: name, required Python versions as written, and the address of its separate metadata."""

    name: str
    requires_python: str = ""
    metadata_url: str = ""


@dataclass(frozen=True)
class Indexes:
    """The indexes to search; `own` is whether the image build uses the same ones."""

    urls: tuple[str, ...]
    own: bool

    @property
    def hosts(self) -> str:
        """The host names, without user names and passwords."""
        return ", ".join(dict.fromkeys(urlsplit(url).hostname or url for url in self.urls))

    def files(self, name: str) -> list[File] | None:
        """The files of a package from all indexes; None if no index has it. Raises Unreachable."""
        found: list[File] = []
        known = False
        for url in self.urls:
            listed = _listed(url, name)
            known = known or listed is not None
            found += listed or []
        return found if known else None


def indexes(options: Sequence[tuple[str, str]], environ: Mapping[str, str] = os.environ) -> Indexes:
    """The indexes in a conda file's pip options (`--index-url`, `--extra-index-url`), else this machine's own.

    Without such options the build uses PyPI; a machine in a closed network may use a mirror instead, named in pip's
    settings.
    """
    named = [value for option, value in options if option in ("--index-url", "-i")]
    extra = [value for option, value in options if option == "--extra-index-url"]
    if named:
        return Indexes(tuple(_remote([named[-1], *extra])), True)
    mirror = environ.get("PIP_INDEX_URL") or _configured() if environ is os.environ else environ.get("PIP_INDEX_URL")
    if mirror and mirror.rstrip("/") != PUBLIC and _remote([mirror]):
        return Indexes(tuple(_remote([mirror, *extra])), False)
    return Indexes(tuple(_remote([PUBLIC, *extra])), True)


def _remote(urls: Sequence[str]) -> list[str]:
    return [url.rstrip("/") for url in urls if urlsplit(url).scheme in ("http", "https")]


def _configured() -> str:
    """The index in pip's configuration files, read in pip's order (pip, "Configuration"); the last one wins."""
    home = Path.home()
    places = [
        Path(folder) / "pip" / "pip.conf" for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")[::-1]
    ]
    places += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf"]
    places += [Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf"]
    places += [Path(sys.prefix) / "pip.conf", Path(os.environ.get("PIP_CONFIG_FILE") or "/nonexistent")]
    found = ""
    for place in places:
        parser = configparser.RawConfigParser()
        try:
            parser.read(place, encoding="utf-8")
        except (OSError, UnicodeDecodeError, configparser.Error):
            continue
        for section in ("global", "install"):
            found = parser.get(section, "index-url", fallback=found)
    return found


def _listed(url: str, name: str) -> list[File] | None:
    now = time.monotonic()
    kept = _known.get((url, name))
    if kept is not None and now - kept[0] < _KEPT:
        return kept[1]
    found = _asked(url, name)
    _known[(url, name)] = (now, found)
    return found


@functools.lru_cache(maxsize=1)
def _connections() -> Any:
    """A session with the certificates and proxies of the environment, as for all other requests."""
    from tui.cloud.http import connections

    return connections.session()


def _asked(url: str, name: str) -> list[File] | None:
    import requests

    page = f"{url}/{name}/"
    try:
        answer = _connections().get(page, headers={"Accept": _ACCEPT}, timeout=_TIMES)
    except requests.RequestException as error:
        raise Unreachable(f"{urlsplit(url).hostname} does not answer ({type(error).__name__})") from None
    if answer.status_code == 404:
        return None
    if answer.status_code != 200:
        raise Unreachable(f"{urlsplit(url).hostname} answers {answer.status_code}")
    if "json" in answer.headers.get("Content-Type", ""):
        try:
            return [_of_json(one, page) for one in answer.json()["files"]]
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{urlsplit(url).hostname} does not return a list of files") from None
    return [_of_html(attributes, text, page) for attributes, text in _FILE_PARTS.findall(answer.text)]


def _of_json(one: Mapping[str, Any], page: str) -> File:
    told = one.get("core-metadata", one.get("dist-info-metadata"))
    return File(
        name=str(one["filename"]),
        requires_python=str(one.get("requires-python") or ""),
        metadata_url=urljoin(page, str(one["url"])) + ".metadata" if told and one.get("url") else "",
    )


def _of_html(attributes: str, text: str, page: str) -> File:
    def attribute(name: str) -> str | None:
        found = re.search(rf"{name}\s*=\s*[\"']([^\"']*)[\"']", attributes, re.IGNORECASE)
        return html.unescape(found.group(1)) if found else None

    told = attribute("data-core-metadata") or attribute("data-dist-info-metadata")
    link = (attribute("href") or "").partition("#")[0]
    return File(
        name=html.unescape(text).strip(),
        requires_python=attribute("data-requires-python") or "",
        metadata_url=urljoin(page, link) + ".metadata" if told and told != "false" and link else "",
    )


def requirements(file: File) -> list[str]:
    """A file's requirements (`Requires-Dist`); empty if its metadata is not available separately."""
    import requests

    if not file.metadata_url:
        return []
    try:
        answer = _connections().get(file.metadata_url, timeout=_TIMES)
    except requests.RequestException:
        return []
    if answer.status_code != 200:
        return []
    from email.parser import HeaderParser

    return [str(line) for line in HeaderParser().parsestr(answer.text).get_all("Requires-Dist") or []]
