"""Import `az ml` endpoint and deployment files as a plan.

azure-ai-ml itself interprets the values: `tui.cloud.az_yaml` loads the files with it. Relative paths in such files
start from the file they are in. Keys that a plan does not support are reported, never dropped silently.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.common.typed_path import UnusablePath, typed_path
from tui.common.write_atomic import write_atomic
from tui.plan import data_collection
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.fields.sources import is_registered
from tui.plan.load_save.az_yaml_file import OF_SAMPLES, Part
from tui.plan.load_save.document import (
    DEPLOYMENTS,
    SHORT_FORMS,
    Document,
    deployment_trees,
    holder,
    is_local_path,
    normalise,
)
from tui.plan.problems import PlanInvalid, Problem

NO_PLACE = "A plan does not support this key; it is omitted."
SAYS_NOTHING = ("$schema", "type", "kind")
"""Keys that only tell the CLI the kind of file."""


@dataclass
class ImportedDocument(Document):
    """A plan imported from `az ml` YAML; `left_out` has the keys it does not support, with file and line."""

    left_out: list[Problem] = field(default_factory=list)
    inline: dict[str, str] = field(default_factory=dict)
    """The conda files that are inline in a deployment: the file's name, to which the plan refers, and its text."""

    def write_inline(self, folder: Path) -> list[Path]:
        """Write the inline conda files to a folder, the plan's; a file with other content is not replaced.

        Raises OSError if the folder is not writable.
        """
        written = []
        for name, text in self.inline.items():
            target, number = folder / name, 1
            while target.exists() and target.read_text(encoding="utf-8", errors="replace") != text:
                number += 1
                target = folder / f"{Path(name).stem}-{number}.yml"
            write_atomic(target, text)
            for tree in deployment_trees(self.tree):
                if tree.get("environment", {}).get("conda_file") == name:
                    tree["environment"]["conda_file"] = os.path.relpath(target.resolve(), self.base)
            written.append(target)
        return written

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any]) -> ImportedDocument:
        """The document in the helper's answer to `import_az_yaml`. Raises PlanInvalid if the files were rejected."""
        if "refused" in answer:
            raise PlanInvalid([Problem(**one) for one in answer["refused"]])
        return cls(
            tree=answer["tree"],
            base=Path(answer["base"]),
            origin=answer["origin"],
            lines={key: (file, line) for key, (file, line) in answer["lines"].items()},
            sources=answer["sources"],
            left_out=[Problem(**one) for one in answer["left_out"]],
            inline=answer["inline"],
        )


def document_of(parts: Sequence[Part]) -> ImportedDocument:
    """Combine endpoint and deployment files, in any order, into a plan; a deployment alone is enough.

    Such files do not contain the workspace: its fields keep their defaults, `${env:…}`. Several deployments of one
    endpoint become `deployments:`. Omitted keys are in `left_out`. Raises PlanInvalid if the files do not belong
    together.
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
    shaped = [_shaped(document, part) for part in deployments]
    for part, tree in shaped:
        _complete(document, part, tree)
    _place(document, shaped)
    normalise(document.tree)
    document.note_sources()
    return document


def _mismatches(endpoints: list[Part], deployments: list[Part]) -> Iterator[Problem]:
    """Problems if the files are not one endpoint with its deployments."""
    if len(endpoints) > 1:
        second = endpoints[1]
        yield second.problem("", "This is a second endpoint.", "A plan has one endpoint; import them separately.")
        return
    if not deployments:
        remedy = "Add the file of its deployment, which has the model."
        for part in endpoints:
            yield part.problem("", "There is an endpoint but no deployment.", remedy)
        return
    name = endpoints[0].tree.get("name") if endpoints else deployments[0].tree.get("endpoint_name")
    for part in deployments:
        own = part.tree.get("endpoint_name")
        if own and name and own != name:
            text = f"This deployment belongs to the endpoint {own}, not to {name}."
            remedy = f"Import the files of one endpoint together, or say which with --endpoint-name {name}."
            yield part.problem("endpoint_name", text, remedy)
    names = [str(part.tree.get("name")) for part in deployments]
    for number, part in enumerate(deployments):
        if names[number] in names[:number]:
            text = f"There is a second deployment named {names[number]}."
            yield part.problem("name", text, "The deployments of an endpoint need different names.")


def _endpoint(document: ImportedDocument, part: Part) -> None:
    tree = part.tree
    for key in ("traffic", "mirror_traffic"):
        value = tree.pop(key, None)
        if not value:
            continue
        if key == "traffic" and not any(value.values()):
            _note(document, part, key, "All shares are 0; the plan gives its new deployment 100 %.")
            continue
        document.tree[key] = value
        document.lines[key] = part.where(key)
    if tree.get("identity", {}).get("type") == "none":
        _note(document, part, "identity.type", "A managed online endpoint always has an identity; none is omitted.")
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
        text = f"A plan does not support scaling of type {kind}; the instance count stays unchanged."
        _note(document, part, "scale_settings", text, "On a managed endpoint, deployment.autoscale has such rules.")
    settings = tree.get("request_settings", {})
    if "max_queue_wait_ms" in settings:
        _note(document, part, "request_settings.max_queue_wait_ms", "Azure has deprecated this; it is omitted.")
        del settings["max_queue_wait_ms"]
    for name, value in tree.get("environment_variables", {}).items():
        if OF_SAMPLES.search(str(value)):
            text = "The value looks like one to fill in; it is kept as it is."  # not repeated: it can be a secret
            _note(document, part, f"environment_variables.{name}", text)
    for name, collection in tree.get("data_collector", {}).get("collections", {}).items():
        key = f"data_collector.collections.{name}"
        _strip(document, part, collection, data_collection.KNOWN, key)
        _strip(document, part, collection.get("data"), data_collection.KNOWN_DATA, f"{key}.data")


def _strip(document: ImportedDocument, part: Part, tree: Any, known: Collection[str], prefix: str) -> None:
    """Omit unknown keys of a map that is one value of the plan."""
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
    """Add one deployment as `deployment:` or several as `deployments:`, with the line of each key."""
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


def _complete(document: ImportedDocument, part: Part, tree: dict[str, Any]) -> None:
    """Name a model that is to be registered, where azure-ai-ml makes up a name, and a file for an inline conda file.

    The model's name has the deployment's: the deployments of an endpoint usually have different models.
    """
    model, environment = tree.get("model"), tree.get("environment", {})
    if not model and not environment:
        remedy = "If the file is for models that are named on the command line, pass --set model=azureml:NAME:VERSION."
        _note(document, part, "model", "There is no model and no environment.", remedy)
    if isinstance(model, dict) and model.get("path") and not (model.get("name") or is_registered(model["path"])):
        endpoint = document.tree.get("endpoint", {}).get("name")
        model["name"] = "-".join(str(name) for name in (endpoint, tree.get("name"), "model") if name)
        text = f"The model has no name; the plan registers it as {model['name']}."
        _note(document, part, "model.name", text, "For another name, set deployment.model.name.")
    if isinstance(environment.get("conda_file"), dict):
        import yaml

        name = re.sub(r"[^\w-]", "-", str(tree.get("name") or "deployment")) + "-conda.yml"
        document.inline[name] = yaml.safe_dump(environment["conda_file"], sort_keys=False)
        environment["conda_file"] = name
        _note(document, part, "environment.conda_file", f"The conda file is inline; the plan refers to a file, {name}.")


def _known(document: ImportedDocument, part: Part, tree: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The keys of a tree that are fields of the plan; the rest goes to `left_out`."""
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
    """Make a relative path start from the plan's folder instead of the folder of the file in which it was written."""
    above, last = holder(tree, key)
    value = above.get(last) if above else None
    if above and isinstance(value, str) and is_local_path(value):
        folder = part.folder_of(key)
        try:
            there = typed_path(value)
        except UnusablePath:
            return  # `resolve` reports it
        if not there.is_absolute():
            above[last] = os.path.relpath(folder / there, base) if folder != base else os.path.normpath(value)
