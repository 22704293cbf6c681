"""Endpoint and deployment files of `az ml`, put together as a plan.

What the values mean is azure-ai-ml's to say: see `tui.cloud.az_yaml`, which loads the files. Relative paths in such
files start from the file they are in; what a plan has no place for is listed, never dropped unsaid.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.plan import data_collection
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.load_save.az_yaml_file import Part
from tui.plan.load_save.document import DEPLOYMENTS, SHORT_FORMS, Document, holder, is_local_path, normalise
from tui.plan.problems import PlanInvalid, Problem

NO_PLACE = "A plan has no place for this; it is left out."
SAYS_NOTHING = ("$schema", "type", "kind")
"""Keys that only tell the CLI what the file is."""


@dataclass
class ImportedDocument(Document):
    """A plan that was read from `az ml` YAML; `left_out` says what it has no place for, with file, line and key."""

    left_out: list[Problem] = field(default_factory=list)

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any]) -> ImportedDocument:
        """The document of the helper's answer to `import_az_yaml`. Raises PlanInvalid where the files were refused."""
        if "refused" in answer:
            raise PlanInvalid([Problem(**one) for one in answer["refused"]])
        return cls(
            tree=answer["tree"],
            base=Path(answer["base"]),
            origin=answer["origin"],
            lines={key: (file, line) for key, (file, line) in answer["lines"].items()},
            sources=answer["sources"],
            left_out=[Problem(**one) for one in answer["left_out"]],
        )


def document_of(parts: Sequence[Part]) -> ImportedDocument:
    """The plan that endpoint and deployment files describe, given in any order; a deployment alone is enough.

    The workspace is not in such files: its fields keep their defaults, `${env:…}`. Several deployments of one endpoint
    become `deployments:`. What is left out is in `left_out`. Raises PlanInvalid when the files do not belong together.
    """
    endpoints = [part for part in parts if part.kind == "endpoint"]
    deployments = [part for part in parts if part.kind == "deployment"]
    problems = list(_mismatches(endpoints, deployments))
    if problems:
        raise PlanInvalid(problems)
    base = deployments[0].path.resolve().parent
    document = ImportedDocument(base=base, origin=", ".join(part.path.name for part in parts))
    for part in endpoints:
        _endpoint(document, part)
    for part in deployments:
        _deployment(document, part, alone=not endpoints)
    _place(document, [_shaped(document, part) for part in deployments])
    normalise(document.tree)
    document.note_sources()
    return document


def _mismatches(endpoints: list[Part], deployments: list[Part]) -> Iterator[Problem]:
    """Why these files are not one endpoint with its deployments."""
    if len(endpoints) > 1:
        second = endpoints[1]
        yield second.problem("", "This is a second endpoint.", "A plan has one; import them one after the other.")
        return
    if not deployments:
        remedy = "Name its deployment's file too; the model is in that."
        for part in endpoints:
            yield part.problem("", "This describes an endpoint without a deployment.", remedy)
        return
    name = endpoints[0].tree.get("name") if endpoints else deployments[0].tree.get("endpoint_name")
    for part in deployments:
        own = part.tree.get("endpoint_name")
        if own and name and own != name:
            text = f"This deployment belongs to the endpoint {own}, and not to {name}."
            yield part.problem("endpoint_name", text, "Import the files of one endpoint together.")
    names = [str(part.tree.get("name")) for part in deployments]
    for number, part in enumerate(deployments):
        if names[number] in names[:number]:
            text = f"There is a second deployment of the name {names[number]}."
            yield part.problem("name", text, "Deployments of an endpoint differ in their names.")


def _endpoint(document: ImportedDocument, part: Part) -> None:
    tree = part.tree
    for key in ("traffic", "mirror_traffic"):
        value = tree.pop(key, None)
        if not value:
            continue
        if key == "traffic" and not any(value.values()):
            _note(document, part, key, "All shares are 0; the plan's new deployment gets the requests, 100 %.")
            continue
        document.tree[key] = value
        document.lines[key] = part.where(key)
    if tree.get("identity", {}).get("type") == "none":
        _note(document, part, "identity.type", "A managed online endpoint has an identity; none is left out.")
        del tree["identity"]
    document.tree["endpoint"] = _known(document, part, tree, "endpoint")


def _deployment(document: ImportedDocument, part: Part, *, alone: bool) -> None:
    tree = part.tree
    named = tree.pop("endpoint_name", None)
    if named and alone:
        document.tree["endpoint"] = {"name": named}
        document.lines["endpoint.name"] = part.where("endpoint_name")
    kind = tree.pop("scale_settings", {}).get("type", "default")
    if kind != "default":
        text = f"Scaling of the type {kind} is no part of a plan; the number of instances stays as it is."
        _note(document, part, "scale_settings", text)
    settings = tree.get("request_settings", {})
    if "max_queue_wait_ms" in settings:
        _note(document, part, "request_settings.max_queue_wait_ms", "Azure has deprecated this; it is left out.")
        del settings["max_queue_wait_ms"]
    for name, collection in tree.get("data_collector", {}).get("collections", {}).items():
        key = f"data_collector.collections.{name}"
        _strip(document, part, collection, data_collection.KNOWN, key)
        _strip(document, part, collection.get("data"), data_collection.KNOWN_DATA, f"{key}.data")
    environment = tree.get("environment")
    if isinstance(environment, dict) and isinstance(environment.get("conda_file"), dict):
        text = "The conda file is written into the deployment; a plan names a file."
        remedy = "Write what is below conda_file into a file beside the plan, and name that."
        _note(document, part, "environment.conda_file", text, remedy)
        del environment["conda_file"]


def _strip(document: ImportedDocument, part: Part, tree: Any, known: Collection[str], prefix: str) -> None:
    """Leave out what is not known in a map that is one value of the plan."""
    for name in [name for name in tree if name not in known] if isinstance(tree, dict) else []:
        _note(document, part, f"{prefix}.{name}", NO_PLACE)
        del tree[name]


def _shaped(document: ImportedDocument, part: Part) -> tuple[Part, dict[str, Any]]:
    tree = _known(document, part, part.tree, "deployment")
    for key, name in SHORT_FORMS.items():
        if isinstance(tree.get(key), str):
            tree[key] = {name: tree[key]}
    for item in FIELDS:
        if item.kind == "path" and item.key.startswith("deployment."):
            _move(tree, item.key[len("deployment.") :], part, document.base)
    return part, tree


def _place(document: ImportedDocument, shaped: list[tuple[Part, dict[str, Any]]]) -> None:
    """One deployment as `deployment:`, several as `deployments:`; with where each key was written."""
    if len(shaped) == 1:
        document.tree["deployment"] = shaped[0][1]
    else:
        document.tree[DEPLOYMENTS] = [tree for _, tree in shaped]
        document.lines[DEPLOYMENTS] = shaped[0][0].where("")
    for number, (part, _) in enumerate(shaped):
        prefix = "deployment" if len(shaped) == 1 else f"{DEPLOYMENTS}.{number}"
        document.lines[prefix] = part.where("")
        for key in part.lines:
            document.lines[f"{prefix}.{key}"] = part.where(key)
        for key, other in SHORT_FORMS.items():
            if key in part.lines:
                document.lines.setdefault(f"{prefix}.{key}.{other}", part.where(key))


def _known(document: ImportedDocument, part: Part, tree: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The part of a tree that fields of the plan stand for; the rest goes to `left_out`."""
    result: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{prefix}.{name}"
        own = key.partition(".")[2]
        if own in SAYS_NOTHING or value is None:
            continue
        below = [known for known in BY_KEY if known.startswith(f"{key}.")]
        if key in BY_KEY or (below and not isinstance(value, dict) and own in SHORT_FORMS):
            result[name] = value
        elif below and isinstance(value, dict):
            inner = _known(document, part, value, key)
            if inner:
                result[name] = inner
        else:
            _note(document, part, own, NO_PLACE)
        if prefix == "endpoint" and own in part.lines:
            document.lines[key] = part.where(own)
    return result


def _note(document: ImportedDocument, part: Part, key: str, message: str, remedy: str = "") -> None:
    document.left_out.append(part.problem(key, message, remedy))


def _move(tree: dict[str, Any], key: str, part: Part, base: Path) -> None:
    """Let a relative path start from the plan's folder instead of from the file that it was written in."""
    above, last = holder(tree, key)
    value = above.get(last) if above else None
    if above and isinstance(value, str) and is_local_path(value):
        folder = part.folder_of(key)
        there = Path(value).expanduser()
        if not there.is_absolute():
            above[last] = os.path.relpath(folder / there, base) if folder != base else os.path.normpath(value)
