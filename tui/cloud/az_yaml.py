"""Imports the YAML of `az ml online-endpoint` and `az ml online-deployment`, loaded by azure-ai-ml itself.

What azure-ai-ml accepts is imported, with its spellings and types; what it refuses is refused, with its reason. The
YAML as written gives the keys, their lines and the paths, which azure-ai-ml would make absolute or read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tui.cloud.errors import clean
from tui.cloud.http.sdk_import import import_sdk
from tui.common.typed_path import typed_path
from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.az_yaml_file import Part, read_part
from tui.plan.load_save.az_yaml_import import ImportedDocument, document_of
from tui.plan.load_save.document import SHORT_FORMS, holder
from tui.plan.problems import PlanInvalid, Problem

Reason = tuple[str, str]
"""A key and the reason for its refusal."""

_PATHS = {item.key.partition(".")[2] for item in FIELDS if item.kind == "path" and item.key.startswith("deployment.")}
_MISSING = "Missing data for required field."
_REFERENCE = "In order to specify an existing"
_WORDS = {
    "Unknown field.": "The key is unknown.",
    _MISSING: "The key is required and missing.",
    "Field may not be null.": "The key has no value.",
    _REFERENCE: "Write a registered asset as azureml:NAME:VERSION, azureml:NAME@LABEL or azureml://registries/….",
}
"""Sentences for azure-ai-ml's messages that have no subject or are too long."""
_TRACED = re.compile(r"\w+: (.*?) from .*")
"""An exception text that quotes a line of azure-ai-ml's own source."""
_OF_THE_SCHEMA = ("_schema", "key", "value")
"""Names that azure-ai-ml adds to the path of a key; they are not in the file."""


def import_files(
    paths: Sequence[Path], endpoint_name: str = "", settings: Mapping[str, str] | None = None
) -> ImportedDocument:
    """Import the files of an endpoint and its deployments, in any order, as a plan.

    `endpoint_name` and `settings` (values by key) are those of the command line, which replace what the files say.
    Raises PlanInvalid with all reasons if the files cannot be read, are refused, or do not belong together.
    """
    problems: list[Problem] = []
    parts: list[Part] = []
    for path in paths:
        try:
            parts.append(read_part(typed_path(path), _settings(endpoint_name, settings or {})))
        except PlanInvalid as invalid:
            problems.extend(invalid.problems)
    named = next((part.tree["name"] for part in parts if part.kind == "endpoint" and part.tree.get("name")), None)
    for part in parts:
        if named and part.kind == "deployment" and "endpoint_name" not in part.tree:
            part.settings["endpoint_name"] = str(named)
        try:
            part.tree = _loaded(part)
        except PlanInvalid as invalid:
            problems.extend(invalid.problems)
    if not problems:
        kinds = {part.kind for part in parts}
        text = "This is for the file of an endpoint, and none is imported. Leave it out, or add the file."
        unused = [key for key in settings or {} if key.startswith("endpoint.") and "endpoint" not in kinds]
        problems = [Problem(key, text, file="--set") for key in unused]
    if problems:
        raise PlanInvalid(problems)
    return document_of(parts)


def _settings(endpoint_name: str, settings: Mapping[str, str]) -> dict[str, str]:
    named = {"endpoint.name": endpoint_name, "deployment.endpoint_name": endpoint_name} if endpoint_name else {}
    return {**settings, **named}


def _loaded(part: Part) -> dict[str, Any]:
    """The keys of a file, with azure-ai-ml's values. Raises PlanInvalid."""
    import_sdk()
    from azure.ai.ml import load_online_deployment, load_online_endpoint
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint

    try:
        load = load_online_endpoint if part.kind == "endpoint" else load_online_deployment
        entity = load(part.path, params_override=[{key: value} for key, value in part.settings.items()])
    except Exception as error:  # from its schema library, its own, or any error in an entity
        raise PlanInvalid(list(_problems(part, error))) from None
    if not isinstance(entity, (ManagedOnlineDeployment, ManagedOnlineEndpoint)):
        raise PlanInvalid([part.of_another_kind("compute" if part.kind == "endpoint" else "type", "a Kubernetes")])
    return {name: _value(written, getattr(entity, name, None), name) for name, written in part.tree.items()}


def _value(written: Any, loaded: Any, key: str) -> Any:
    """azure-ai-ml's value of a key; as written for paths and for keys that it ignores."""
    if loaded is None or key in _PATHS:
        return written
    if isinstance(written, dict):
        return {name: _value(value, _member(loaded, name), f"{key}.{name}") for name, value in written.items()}
    if isinstance(written, list):
        return [_value(value, inner, key) for value, inner in zip(written, loaded)]
    if key in SHORT_FORMS and not loaded.startswith("azureml:"):
        return f"azureml:{loaded}"
    return loaded


def _member(loaded: Any, name: str) -> Any:
    return loaded.get(name) if isinstance(loaded, dict) else getattr(loaded, name, None)


def _problems(part: Part, error: Exception) -> Iterator[Problem]:
    """The problems that azure-ai-ml reports, at their keys."""
    messages = getattr(error.__cause__, "messages", None)
    if not isinstance(messages, dict):
        yield part.problem("", f"azure-ai-ml refuses this file: {_sentence(clean(str(error)))}")
        return
    found = []
    for key, why in _reasons(part, "", messages):
        remedy = f"Add it to the file, or pass {part.option(key)}." if why == _WORDS[_MISSING] else ""
        found.append(part.problem(key, f"azure-ai-ml refuses this: {why}", remedy))
    yield from sorted(dict.fromkeys(found), key=lambda problem: problem.line or 0)


def _reasons(part: Part, key: str, messages: Any) -> Iterator[Reason]:
    if isinstance(messages, str):
        yield key, _sentence(messages)
    elif isinstance(messages, dict):
        for name, below in messages.items():
            inside = f"{key}.{name}" if key else str(name)
            yield from _reasons(part, key if name in _OF_THE_SCHEMA and inside not in part.lines else inside, below)
    elif all(isinstance(one, str) for one in messages):
        for text in messages:
            yield key, _sentence(text)
    else:
        yield from _nearest(part, key, [list(_reasons(part, key, one)) for one in messages])


def _nearest(part: Part, key: str, forms: list[list[Reason]]) -> list[Reason]:
    """Of the forms that a value may have, the reasons for the form that it is closest to."""
    above, last = holder(part.tree, key)
    reference = (key, _WORDS[_REFERENCE])
    if not isinstance(above and above.get(last), dict):
        if [reference] in forms:
            return [reference]
    else:
        forms = [form for form in forms if reference not in form] or forms
        if any(name.startswith(f"{key}.") and file != part.path for name, (file, _) in part.lines.items()):
            # After the first form, azure-ai-ml searches for the map's file in the wrong folder.
            forms = forms[:1]
    least = min(map(_weight, forms))
    return [reason for form in forms if _weight(form) == least for reason in form]


def _weight(form: list[Reason]) -> int:
    """The distance of a value from a form: a missing key counts more than a wrong one."""
    return sum(2 if why == _WORDS[_MISSING] else 1 for _, why in form)


def _sentence(text: str) -> str:
    for begin, words in _WORDS.items():
        if text.startswith(begin):
            return words
    text = re.sub(r"\s+", " ", text).strip()
    trace = _TRACED.match(text)
    text = trace[1] if trace else text
    return text if text.endswith((".", "!", "?")) else f"{text}."
