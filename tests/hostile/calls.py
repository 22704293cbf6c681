"""The calls that the program makes, each without its names and numbers, and the list of them.

The list was recorded at the socket: what each command of the matrix asks (`python -m tests.hostile --record`), and
under `elsewhere` what only other commands and the wizard ask, over the whole suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

LIST = Path(__file__).with_name("calls.txt")
ELSEWHERE = "elsewhere"

_KINDS = frozenset(
    [
        *("subscriptions", "resourcegroups", "workspaces", "registries", "storageaccounts", "vaults", "locations"),
        *("metrics", "autoscalesettings"),
        *("onlineendpoints", "deployments", "endpoints", "models", "versions", "codes", "environments"),
        *("datastores", "data", "userassignedidentities", "roledefinitions"),
        *("mfeoperationsstatus", "mfeoperationresults"),
    ]
)
_NAMELESS = frozenset({"versions", "score", "providers"})
_BLOB = re.compile(r"/[^/]+\.(blob|dfs)\.[^/]+(/[^/]*)?(/.*)?$")
_LOGGED = re.compile(r": (GET|PUT|POST|PATCH|DELETE|HEAD) (/\S*) \d+ \d+ ms .*\baml-deploy/")


def pattern_of(method: str, address: str) -> str:
    """A call without names and numbers, such as `PUT /subscriptions/*/…/onlineEndpoints/*`."""
    path = urlsplit(address).path
    stored = _BLOB.match(path)
    if stored:
        return f"{method} /*.{stored[1]}.*/*{'/**' if stored[3] else ''}"
    parts = path.split("/")
    shown: list[str] = []
    for before, part in zip(["", *parts], parts):
        named = before.lower() in _KINDS and part.lower() not in _NAMELESS
        shown.append("*" if named or re.search(r"[0-9a-f]{8}|\d{3}|\.\w{2,4}$", part.lower()) else part)
    return f"{method} {'/'.join(shown)}"


def expression(call: str) -> tuple[str, str]:
    """The method of a call, and a regular expression for its address."""
    method, _, path = call.partition(" ")
    escaped = re.escape(path).replace(r"\*\*", ".+").replace(r"\*", "[^/?]+")
    return method, f"^{escaped}(?:[?]|$)"


def listed() -> list[tuple[str, str]]:
    """Each command and a call that it is the first to make."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [(command, call) for command, _, call in (line.partition("\t") for line in lines)]


def write(calls: Iterable[tuple[str, str]]) -> None:
    """Write the list anew."""
    LIST.write_text("".join(f"{command}\t{call}\n" for command, call in calls), encoding="utf-8")


def unlisted(log: str) -> set[str]:
    """The program's calls in a log of the rehearsal that the list does not have; other clients' are not looked at."""
    return {pattern_of(*found) for found in _LOGGED.findall(log)} - {call for _, call in listed()}
