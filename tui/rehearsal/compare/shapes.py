"""Compares the shape of two responses: status, headers, fields of a JSON body and their types; never values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Worst first.
UNKNOWN = "unknown operation"
OUTCOME = "outcome"
STATUS = "status"
MISSING_FIELD = "missing field"
TYPE = "type"
MISSING_HEADER = "missing header"
HEADER = "header"
ADDITIONAL_FIELD = "additional field"
ADDITIONAL_HEADER = "additional header"
SEVERITY = (UNKNOWN, OUTCOME, STATUS, MISSING_FIELD, TYPE, MISSING_HEADER, HEADER, ADDITIONAL_FIELD, ADDITIONAL_HEADER)

# Objects whose members are named by users; only members added by Azure are compared by name.
_FREE = frozenset({"tags", "environmentVariables", "traffic", "mirrorTraffic", "flavors", "userAssignedIdentities"})
_OWN = ("azureml.", "AZUREML_", "AML_", "AzureAsyncOperation")
# All x-ms-… headers except those that depend on the client.
_COMPARED_HEADERS = re.compile(
    r"content-type|azure-asyncoperation|operation-location|location|retry-after|www-authenticate|etag|last-modified"
    r"|azureml-model-deployment|ms-azureml-model-error-(statuscode|reason)|x-request-id"
    r"|x-ms-(?!meta-|client-request-id$).*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Difference:
    """One difference of a response. `where` is a field's path or a header's name, or empty."""

    kind: str
    where: str
    recorded: str
    rehearsal: str


def types(content: Any) -> dict[str, set[str]]:
    """The types of all fields by path, such as `value[].properties.scoringUri`; items of a list count together."""
    found: dict[str, set[str]] = {}
    for path, name in _walk(content, "", "", ""):
        found.setdefault(path, set()).add(name)
    return found


def _walk(content: Any, path: str, field: str, parent: str) -> Iterator[tuple[str, str]]:
    yield path, _type(content)
    if isinstance(content, dict):
        free = field in _FREE or (field == "properties" and parent == "properties")
        for key, value in content.items():
            name = "*" if free and not str(key).startswith(_OWN) else str(key)
            yield from _walk(value, f"{path}.{name}" if path else name, name, field)
    elif isinstance(content, list):
        for item in content:
            yield from _walk(item, f"{path}[]", field, parent)


def _type(content: Any) -> str:
    names = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", dict: "object"}
    return names.get(type(content), "array")


def compare_bodies(recorded: Any, found: Any, passing: Iterable[str] = ()) -> list[Difference]:
    """The differences between a recorded body and the rehearsal's; paths in `passing` depend on timing.

    Items of a list that is empty on one side, and members of an absent or null object, are not compared.
    """
    ours, theirs = types(found), types(recorded)
    skipped = set(passing)
    differences = []
    for path in sorted(theirs.keys() | ours.keys()):
        if path in skipped or any(_below(path, other) for other in skipped):
            continue
        was, is_now = theirs.get(path), ours.get(path)
        if was is None or is_now is None:
            there = theirs if was is None else ours
            if not _comparable(path, there):
                continue
            kind = ADDITIONAL_FIELD if was is None else MISSING_FIELD
            differences.append(Difference(kind, path, _said(was), _said(is_now)))
        elif not was & is_now:
            differences.append(Difference(TYPE, path, _said(was), _said(is_now)))
    return differences


def _below(path: str, other: str) -> bool:
    return path.startswith((f"{other}.", f"{other}["))


def _comparable(path: str, other: Mapping[str, set[str]]) -> bool:
    """Whether a path can be compared: its object or list exists and has comparable content."""
    parent, _, name = path.rpartition(".")
    return not path.endswith("[]") and name != "*" and (not parent or "object" in other.get(parent, ()))


def _said(names: set[str] | None) -> str:
    return " or ".join(sorted(names)) if names else "absent"


def compare_headers(recorded: Mapping[str, str], found: Mapping[str, str]) -> list[Difference]:
    """The headers that only one response has, and addresses in headers that lead to another operation."""
    was, is_now = _headers(recorded), _headers(found)
    differences = []
    for name in sorted(was.keys() | is_now.keys()):
        if name not in is_now:
            differences.append(Difference(MISSING_HEADER, name, "present", "absent"))
        elif name not in was:
            differences.append(Difference(ADDITIONAL_HEADER, name, "absent", "present"))
        elif was[name].startswith("https://") and not _same_place(was[name], is_now[name]):
            differences.append(Difference(HEADER, name, _place(was[name]), _place(is_now[name])))
    return differences


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if _COMPARED_HEADERS.fullmatch(name)}


def _place(address: str) -> str:
    return "/" + address.partition("://")[2].partition("?")[0].partition("/")[2]


def _same_place(recorded: str, found: str) -> bool:
    return re.fullmatch(pattern(_place(recorded)), _place(found), re.IGNORECASE) is not None


PLACEHOLDER = re.compile(r"\{([a-z]+(?:-[a-z]+)*?)(?:-(\d+))?\}")


def pattern(recorded: str) -> str:
    """A regular expression that matches a recorded text, with one group for each placeholder."""
    parts, end = [], 0
    for found in PLACEHOLDER.finditer(recorded):
        parts.append(re.escape(recorded[end : found.start()]))
        parts.append("([^/?&]*)")
        end = found.end()
    return "".join(parts) + re.escape(recorded[end:])
