"""Data collection: which parts of requests and responses a deployment stores (`data_collector` in az ml).

Sources: Microsoft, how-to-collect-production-data and reference-yaml-deployment-managed-online; the limits are those
of azure-ai-ml 1.35 (DataCollectorSchema). Collections can have any name; `request` and `response` hold the payload,
`model_inputs` and `model_outputs` are the ones that a scoring script usually writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PAYLOAD = ("request", "response")
ROLLING_RATES = ("minute", "hour", "day")
PACKAGE = "azureml-ai-monitoring"
"""A scoring script needs this package to write its own collections (how-to-collect-production-data)."""
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,62}$")
_BOOLEANS = {"true": True, "false": False}
KNOWN = {"enabled", "data"}
KNOWN_DATA = {"name", "version", "path"}
_REFERENCE = re.compile(r"^azureml:[\w.-]+:[\w.-]+$")
_VARIABLE = re.compile(r"^\$\{[^}]*\}$")
# DATA:VERSION@PATH, each part optional; the colon of a variable's ${env:NAME} does not end the name.
_TYPED = re.compile(r"^(?P<name>(?:\$\{[^}]*\}|[^:@])*)(?::(?P<version>[^@]*))?(?:@(?P<path>.*))?$")
_ASSET = re.compile(r"^[A-Za-z0-9][\w.-]{0,254}$")
_PLACE = "azureml://datastores/workspaceblobstore/paths/modelDataCollector"
"""The default path of az ml (reference-yaml-deployment-managed-online)."""


@dataclass(frozen=True)
class Collection:
    """A collection and the data asset it is written to; parts that the plan does not set are None."""

    enabled: bool = True
    name: str | None = None
    version: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class DataCollector:
    """What is collected: collections by name, the sampled share of requests (0 to 1), how often a new file starts."""

    collections: dict[str, Collection] = field(default_factory=dict)
    sampling_rate: float = 1.0
    rolling_rate: str = "hour"
    capture_headers: tuple[str, ...] = ()


def asset(collection: Collection, endpoint: str, deployment: str, name: str) -> tuple[str, str, str]:
    """Name, version and path of a collection's data asset; the defaults are those of az ml."""
    return (
        collection.name or f"{endpoint}-{deployment}-{name}",
        collection.version or "1",
        collection.path or f"{_PLACE}/{endpoint}/{deployment}/{name}",
    )


def collections(value: Any) -> dict[str, Collection]:
    """The collections in a tree that is valid according to `problem`."""
    return {
        name: Collection(
            item["enabled"] == "True",
            **{key: str(part) for key, part in item.get("data", {}).items() if part is not None},
        )
        for name, item in as_az(value).items()
    }


def _parts(reference: str) -> dict[str, str]:
    """Name and version of `azureml:NAME:VERSION`."""
    name, _, version = reference[len("azureml:") :].partition(":")
    return {"name": name, "version": version}


def as_az(value: Mapping[str, Any]) -> dict[str, Any]:
    """The tree as az ml expects it: `enabled` as text, `data` as a map (azure-ai-ml 1.35 reads its name)."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(item, Mapping):
            found[str(name)] = item  # invalid; `problem` reports it
            continue
        data = item.get("data")
        made: dict[str, Any] = {"enabled": "True" if _truth(item.get("enabled")) else "False"}
        if data:
            made["data"] = _parts(data) if isinstance(data, str) else data
        found[str(name)] = made
    return found


def problem(value: Any) -> tuple[str, str] | None:
    """The first invalid key below `collections` and a sentence about what is wrong; None if the tree is valid."""
    if not isinstance(value, Mapping) or not value:
        return "", "Collections must be a map, for example model_inputs: {enabled: 'True'}."
    for name, item in value.items():
        wrong = _wrong(str(name), item)
        if wrong is not None:
            return (f"{name}.{wrong[0]}".rstrip("."), wrong[1])
    return None


def _wrong(name: str, item: Any) -> tuple[str, str] | None:
    if not _NAME.match(name):
        return "", f"{name} is not a valid collection name: 1 to 63 letters, digits and underscores, a letter first."
    if not isinstance(item, Mapping):
        return "", f"The collection {name} must be a map with the key enabled, for example {{enabled: 'True'}}."
    for key in item:
        if key not in KNOWN:
            return str(key), f"Unknown key {key} in a collection; the known keys are enabled and data."
    if _truth(item.get("enabled")) is None:
        return "enabled", f"enabled of {name} must be 'True' or 'False'."
    return _wrong_data(name, item.get("data"))


def _wrong_data(name: str, data: Any) -> tuple[str, str] | None:
    if data is None or (isinstance(data, str) and ("${" in data or _REFERENCE.match(data))):
        return None
    if not isinstance(data, Mapping):
        return "data", f"data of {name} must be azureml:NAME:VERSION, or a map with name, version and path."
    for key in data:
        if key not in KNOWN_DATA:
            return f"data.{key}", f"Unknown key {key} in data; the known keys are name, version and path."
    for key in ("name", "version"):
        if data.get(key) is not None and "${" not in str(data[key]) and not _ASSET.match(str(data[key])):
            return f"data.{key}", f"The {key} of a data asset can have letters, digits, dashes, underscores and dots."
    path = str(data.get("path") or "")
    if path and "${" not in path and not path.startswith("azureml://"):
        return "data.path", "The path must be in a datastore: azureml://datastores/NAME/paths/FOLDER."
    return None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())


# The one-line form, for a text field: `model_inputs, request=false, model_outputs=DATA:VERSION@azureml://…`


def parse(typed: str) -> Any:
    """Parse the one-line form into a tree; returns the text unchanged if it is not valid."""
    found: dict[str, Any] = {}
    for part in typed.split(","):
        name, sign, what = (piece.strip() for piece in part.partition("="))
        if not name or (sign and not what):
            return typed
        found[name] = _collection(what)
    return found


def _collection(what: str) -> dict[str, Any]:
    if what.lower() in ("", *_BOOLEANS):
        return {"enabled": "False" if what.lower() == "false" else "True"}
    off, text = what.startswith("!"), what.lstrip("!")
    data: Any = text
    found = _TYPED.match(text)
    if found and not _REFERENCE.match(text) and not _VARIABLE.match(text):
        data = {key: item for key, item in found.groupdict().items() if item}
    return {"enabled": "False" if off else "True", "data": data}


def show(value: Any) -> str:
    """Format a tree as one line; a value that is not a map is shown unchanged."""
    if not isinstance(value, Mapping):
        return str(value)
    return ", ".join(_shown(str(name), item) for name, item in value.items())


def _shown(name: str, item: Any) -> str:
    if not isinstance(item, Mapping):
        return f"{name}={item}"
    off, data = _truth(item.get("enabled")) is False, item.get("data")
    if not data:
        return f"{name}=false" if off else name
    if isinstance(data, Mapping):
        version = f":{data['version']}" if data.get("version") is not None else ""
        path = f"@{data['path']}" if data.get("path") else ""
        data = f"{data.get('name') or ''}{version}{path}"
    return f"{name}={'!' if off else ''}{data}"


def texts(value: Any) -> Iterator[str]:
    """All strings in a tree, to search them for references."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ():
        yield from texts(item)
