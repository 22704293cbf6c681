"""Load plan files: YAML with line numbers, overlays, `--set`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tui.common.typed_path import UnusablePath, typed_path
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.fields.field import NESTED
from tui.plan.load_save import yaml_nodes
from tui.plan.load_save.document import DEPLOYMENTS, SHORT_FORMS, Document, leaves, normalise
from tui.plan.presets import find, presets
from tui.plan.problems import PlanInvalid, Problem
from tui.plan.rules.value_rules import unfit

GROUPS = {key[:place] for key in BY_KEY for place, character in enumerate(key) if character == "."}
MAPS = {key for key, field in BY_KEY.items() if field.kind == "map"}
# The rules of these fields validate the value with everything below it.
NESTED_FIELDS = {key for key, field in BY_KEY.items() if field.kind in NESTED}
IGNORED = ("$schema", "endpoint.$schema", "deployment.$schema", "deployment.endpoint_name")
NOT_SET_HERE = (
    "endpoint.compute",
    "endpoint.mirror_traffic",
    "endpoint.traffic",
    "endpoint.kind",
    "deployment.scale_settings",
    "deployment.type",
    "deployment.request_settings.max_queue_wait_ms",
)


# Groups that are always maps; a model and an environment can also be written as a text.
_GROUPS_ONLY = GROUPS - BY_KEY.keys() - {f"deployment.{key}" for key in SHORT_FORMS}
SPLITS = ("traffic", "mirror_traffic")
"""Maps that an overlay replaces as a whole, because two merged splits would not add up to 100."""


def load(argument: str | Path, overlays: Sequence[str | Path] = (), sets: Sequence[str] = ()) -> Document:
    """Load a plan file or preset by name, then apply overlay files and `key=value` texts.

    Raises PlanInvalid if a file does not exist or is not YAML; other problems go to `Document.problems`, to be
    reported together with those of the values.
    """
    document = _read(_locate(str(argument)))
    for overlay in overlays:
        _overlay(document, _read(Path(overlay)))
    apply_sets(document, sets)
    return document


def apply_sets(document: Document, sets: Iterable[str]) -> None:
    """Apply `key=value` texts to a document; values are parsed as YAML. Raises PlanInvalid."""
    problems = []
    for item in sets:
        key, sign, text = item.partition("=")
        key = key.strip()
        known = key in BY_KEY or key.rpartition(".")[0] in MAPS
        try:
            value = yaml_nodes.value_of(text) if text.strip() else None
        except yaml_nodes.not_a_value():
            value = text
        wrong = unfit(value)
        if wrong:
            problems.append(Problem(key, wrong, "", "--set"))
        elif sign and known:
            document.set(key, value, "--set")
        elif sign and key in GROUPS and isinstance(value, dict):
            problems += _set_group(document, key, value)
        elif key in GROUPS:
            remedy = f"Set one of its keys, such as --set {key}.{_below(key).partition(',')[0]}=…."
            problems.append(Problem(key, f"{key} is a group of keys.", remedy, "--set"))
        else:
            problems.append(Problem(key, f"{key} is not a field.", _nearest(key), "--set"))
    if problems:
        raise PlanInvalid(problems)
    normalise(document.tree)


def _set_group(document: Document, group: str, values: dict[Any, Any]) -> list[Problem]:
    """Set the keys of a group from a map; other keys keep their values. Returns a problem for each unknown key."""
    problems = []
    for name, value in values.items():
        key = f"{group}.{name}"
        if key in BY_KEY or group in MAPS:
            document.set(key, value, "--set")
        elif key in GROUPS and isinstance(value, dict):
            problems += _set_group(document, key, value)
        else:
            problems.append(Problem(key, f"--set {group}: {name} is not one of its keys.", _nearest(key), "--set"))
    return problems


def _locate(argument: str) -> Path:
    try:
        path = typed_path(argument)
    except UnusablePath as unusable:
        raise PlanInvalid([Problem("", str(unusable), "", argument)]) from None
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise PlanInvalid([Problem("", f"The file cannot be read: {error.strerror}.", "", argument)]) from None
    preset = find(argument)
    if preset:
        return preset.path
    offered = ", ".join(item.name for item in presets()) or "none"
    if path.is_dir():
        raise PlanInvalid([Problem("", "This is a folder, not a plan file.", "Specify the .yml file in it.", argument)])
    raise PlanInvalid(
        [Problem("", "There is no plan file or preset with that name.", f"Presets: {offered}.", argument)]
    )


def _read(path: Path) -> Document:
    import yaml

    node = yaml_nodes.read(path)
    preset = find(path.stem)
    is_preset = preset is not None and preset.path == path
    document = Document(base=path.resolve().parent, path=None if is_preset else path)
    document.origin = f"preset {path.stem}" if is_preset else path.name
    if node is None or not isinstance(node, yaml.MappingNode):
        raise PlanInvalid(
            [
                Problem(
                    "",
                    "A plan must be a map with the keys workspace, endpoint and deployment.",
                    "Start from a preset: aml-deploy presets.",
                    str(path),
                    1,
                )
            ]
        )
    loader = yaml.SafeLoader("")
    tree = _build(node, "", document, str(path), loader)
    document.tree = normalise(tree)
    document.note_sources(with_lines=not is_preset)
    return document


_ITEM = re.compile(rf"^{DEPLOYMENTS}\.\d+\b")


def _plain(key: str) -> str:
    """The field key of a key in the file: `deployments.1.name` is `deployment.name`."""
    return _ITEM.sub("deployment", key)


def _build(node: Any, prefix: str, document: Document, file: str, loader: Any) -> dict[str, Any]:
    """Convert a YAML node to a map; records lines, reports unknown and duplicate keys."""
    import yaml

    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        name = str(key_node.value)
        key = f"{prefix}{name}"
        line = key_node.start_mark.line + 1
        if name in result:
            document.problems.append(Problem(key, "This key is a duplicate.", "Remove one of the two.", file, line))
        document.lines[key] = (file, line)
        known = _plain(key)
        if known in IGNORED:
            continue
        if key == DEPLOYMENTS:
            result[name] = _deployments(value_node, document, file, line, loader)
            continue
        above = _plain(prefix.rstrip("."))
        inside_map = above in MAPS or any(f"{above}.".startswith(f"{key}.") for key in NESTED_FIELDS)
        if not inside_map and known not in BY_KEY and known not in GROUPS:
            document.problems.append(_unknown(key, file, line))
            continue
        if isinstance(value_node, yaml.MappingNode):
            result[name] = _build(value_node, f"{key}.", document, file, loader)
            continue
        if known in NESTED_FIELDS and isinstance(value_node, yaml.SequenceNode):
            for number, item in enumerate(value_node.value):
                parts = item.value if isinstance(item, yaml.MappingNode) else ()
                document.lines[f"{key}.{number}"] = (file, item.start_mark.line + 1)
                document.lines.update(
                    {f"{key}.{number}.{part.value}": (file, part.start_mark.line + 1) for part, _ in parts}
                )
        try:
            value = loader.construct_object(value_node, deep=True)
        except yaml_nodes.not_a_value() as error:
            said = getattr(error, "problem", None) or "it cannot be parsed"
            document.problems.append(Problem(key, f"This value is not valid: {said}.", "", file, line))
            continue
        wrong = unfit(name) or unfit(value)
        if wrong:
            document.problems.append(Problem(_plain(above), wrong, "", file, line))
            continue
        if value is not None and known in _GROUPS_ONLY:
            document.problems.append(
                Problem(key, f"{value!r} is not a map.", f"It must have these keys: {_below(known)}.", file, line)
            )
            continue
        if value is not None:
            result[name] = value
    return result


def _deployments(node: Any, document: Document, file: str, line: int, loader: Any) -> list[dict[str, Any]]:
    """The items of `deployments:`, each with the keys of `deployment:`."""
    import yaml

    if not isinstance(node, yaml.SequenceNode) or not node.value:
        text = "This is not a list of deployments."
        document.problems.append(Problem(DEPLOYMENTS, text, "Write a list whose items start with - name:.", file, line))
        return []
    found = []
    for number, item in enumerate(node.value):
        key = f"{DEPLOYMENTS}.{number}"
        where = item.start_mark.line + 1
        document.lines[key] = (file, where)
        if isinstance(item, yaml.MappingNode):
            found.append(_build(item, f"{key}.", document, file, loader))
        else:
            text = "A deployment must be a map with the keys of deployment:."
            document.problems.append(Problem(key, text, "Start it with - name: green.", file, where))
    return found


def _unknown(key: str, file: str, line: int) -> Problem:
    if _plain(key) in NOT_SET_HERE:
        return Problem(key, "This az ml key is not supported in a plan.", "Remove it.", file, line)
    return Problem(key, "This key is unknown.", _nearest(key), file, line)


def _nearest(key: str) -> str:
    """A sentence that suggests the key that was probably meant."""
    candidates = [*BY_KEY, *GROUPS, DEPLOYMENTS]
    key = _plain(key)
    import difflib

    close = [near for near in difflib.get_close_matches(key, candidates, 1, 0.6) if _alike(near, key)]
    if not close:
        last = key.rpartition(".")[2]
        close = [known for known in BY_KEY if known.rpartition(".")[2] == last][:1]
    return f"Did you mean {close[0]}?" if close else "The known keys are listed in tui/plan/README.md."


def _alike(near: str, key: str) -> bool:
    """Whether the last parts are similar: whole keys are close already if they share the group's name."""
    import difflib

    given, known = key.rpartition("."), near.rpartition(".")
    return not given[0] or difflib.SequenceMatcher(None, given[2], known[2]).ratio() >= 0.5


def _below(group: str) -> str:
    inside = [key[len(group) + 1 :].split(".")[0] for key in BY_KEY if key.startswith(f"{group}.")]
    return ", ".join(dict.fromkeys(inside))


def _overlay(document: Document, overlay: Document) -> None:
    """Apply the values of another file to a document; its relative paths start from its own folder."""
    if overlay.base != document.base:
        overlay = overlay.rebased(document.base)
    for key, value in leaves(overlay.tree):
        if key not in SPLITS and isinstance(value, dict) and isinstance(document.get(key), dict):
            value = {**document.get(key), **value}
        document.set(key, value, overlay.sources.get(key, overlay.origin))
    document.lines.update(overlay.lines)
    document.problems.extend(overlay.problems)
