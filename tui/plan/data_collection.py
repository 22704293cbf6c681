"""What a deployment writes down of requests and answers: the keys of `data_collector` of az ml.

Microsoft, how-to-collect-production-data and reference-yaml-deployment-managed-online; the bounds are those of
azure-ai-ml 1.35 (DataCollectorSchema). Names of collections are free; `request` and `response` are those of the
payload, `model_inputs` and `model_outputs` are what a scoring script usually writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PAYLOAD = ("request", "response")
ROLLING_RATES = ("minute", "hour", "day")
PACKAGE = "azureml-ai-monitoring"
"""Without it a scoring script writes no collection of its own (how-to-collect-production-data)."""
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9_]{0,62}$")
_BOOLEANS = {"true": True, "false": False}
KNOWN = {"enabled", "data"}
KNOWN_DATA = {"name", "version", "path"}
_REFERENCE = re.compile(r"^azureml:[\w.-]+:[\w.-]+$")
_ASSET = re.compile(r"^[A-Za-z0-9][\w.-]{0,254}$")
_PLACE = "azureml://datastores/workspaceblobstore/paths/modelDataCollector"
"""Where az ml writes without another path (reference-yaml-deployment-managed-online)."""


@dataclass(frozen=True)
class Collection:
    """A collection and the data asset that it is written to, by the parts of it that the plan gives."""

    enabled: bool = True
    name: str | None = None
    version: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class DataCollector:
    """What is collected: collections by name, the share of the requests (0 to 1), how often a new file begins."""

    collections: dict[str, Collection] = field(default_factory=dict)
    sampling_rate: float = 1.0
    rolling_rate: str = "hour"
    capture_headers: tuple[str, ...] = ()


def asset(collection: Collection, endpoint: str, deployment: str, name: str) -> tuple[str, str, str]:
    """Name, version and path of the data asset that a collection gets; the defaults are those of az ml."""
    return (
        collection.name or f"{endpoint}-{deployment}-{name}",
        collection.version or "1",
        collection.path or f"{_PLACE}/{endpoint}/{deployment}/{name}",
    )


def collections(value: Any) -> dict[str, Collection]:
    """The collections of a tree that `problem` finds nothing wrong with."""
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
    """The tree as az ml takes it: `enabled` as a text, `data` as a map (azure-ai-ml 1.35 asks it for its name)."""
    found: dict[str, Any] = {}
    for name, item in value.items():
        if not isinstance(item, Mapping):
            found[str(name)] = item  # wrong, and said elsewhere
            continue
        data = item.get("data")
        made: dict[str, Any] = {"enabled": "True" if _truth(item.get("enabled")) else "False"}
        if data:
            made["data"] = _parts(data) if isinstance(data, str) else data
        found[str(name)] = made
    return found


def problem(value: Any) -> tuple[str, str] | None:
    """The key below `collections` where something is wrong, and a sentence that says what; None where nothing is."""
    if not isinstance(value, Mapping) or not value:
        return "", "Collections are a map, for example model_inputs: {enabled: 'True'}."
    for name, item in value.items():
        wrong = _wrong(str(name), item)
        if wrong is not None:
            return (f"{name}.{wrong[0]}".rstrip("."), wrong[1])
    return None


def rule(value: Any) -> str | None:
    """A map of collections; see `problem`."""
    found = problem(value)
    return None if found is None else found[1]


def _wrong(name: str, item: Any) -> tuple[str, str] | None:
    if not _NAME.match(name):
        return "", f"{name} is not a name of a collection: letters, digits and underscores, a letter first, up to 63."
    if not isinstance(item, Mapping):
        return "", f"The collection {name} is a map with the key enabled, for example {{enabled: 'True'}}."
    for key in item:
        if key not in KNOWN:
            return str(key), f"{key} is not known below a collection; enabled and data are."
    if _truth(item.get("enabled")) is None:
        return "enabled", f"enabled of {name} says whether the collection is written: 'True' or 'False'."
    return _wrong_data(name, item.get("data"))


def _wrong_data(name: str, data: Any) -> tuple[str, str] | None:
    if data is None or (isinstance(data, str) and ("${" in data or _REFERENCE.match(data))):
        return None
    if not isinstance(data, Mapping):
        return "data", f"data of {name} is azureml:NAME:VERSION, or a map with name, version and path."
    for key in data:
        if key not in KNOWN_DATA:
            return f"data.{key}", f"{key} is not known below data; name, version and path are."
    for key in ("name", "version"):
        if data.get(key) is not None and "${" not in str(data[key]) and not _ASSET.match(str(data[key])):
            return f"data.{key}", f"The {key} of a data asset has letters, digits, dashes, underscores and dots."
    path = str(data.get("path") or "")
    if path and "${" not in path and not path.startswith("azureml://"):
        return "data.path", "The path is one of a datastore: azureml://datastores/NAME/paths/FOLDER."
    return None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _BOOLEANS.get(str(value).lower())


# As one line of a form: `model_inputs, request=false, model_outputs=DATA:VERSION@azureml://…`


def parse(typed: str) -> Any:
    """The tree that a line stands for; the text itself where it is none."""
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
    if not _REFERENCE.match(text):
        asset_name, _, path = text.partition("@")
        called, _, version = asset_name.partition(":")
        data = {key: item for key, item in (("name", called), ("version", version), ("path", path)) if item}
    return {"enabled": "False" if off else "True", "data": data}


def show(value: Any) -> str:
    """The line that stands for a tree; what is no tree of collections is shown as it is."""
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
    """All texts of a tree, for those who look for references."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ():
        yield from texts(item)
