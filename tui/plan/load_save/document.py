"""A plan as written: the YAML tree, the source of each value, and saving."""

from __future__ import annotations

import copy
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.common.typed_path import UnusablePath, real_path, typed_path
from tui.common.write_atomic import write_atomic
from tui.plan.fields.all_fields import BY_KEY, FIELDS
from tui.plan.fields.sources import SIGNED, is_registered, signed
from tui.plan.load_save.references import has_reference, names
from tui.plan.problems import Problem


@dataclass
class Document:
    """A plan as edited in forms and stored in files. References are kept; it never contains secrets.

    `tree` has normalised keys (see `normalise`), `base` is the folder from which relative paths start, `path` the
    file it was loaded from or saved to. `problems` are those of the file's structure; `resolve` validates the values.
    """

    tree: dict[str, Any] = field(default_factory=dict)
    base: Path = field(default_factory=Path.cwd)
    path: Path | None = None
    origin: str = "plan"
    lines: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    shown: int | None = None
    """The item of `deployments:` to which `deployment.…` keys refer, for forms; None: the common `deployment:`."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value at a dotted key as written, or `default`."""
        tree, item = self.tree, self._item(key)
        if item is not None:
            tree = {"deployment": _laid_over(self.tree.get("deployment") or {}, item)}
        above, last = holder(tree, key)
        return default if above is None else above.get(last, default)

    def _item(self, key: str) -> dict[str, Any] | None:
        """The item of `deployments:` to which a key refers; None if it refers to the plan itself."""
        if self.shown is None or key.partition(".")[0] != "deployment":
            return None
        items = self.listed()
        return items[self.shown] if self.shown < len(items) else None

    def _long(self, key: str) -> str:
        """The full key, with the index in `deployments:`, at which the value is written."""
        item, below = self._item(key), key.partition(".")[2]
        above, last = holder(item or {}, below)
        return key if above is None or above.get(last) is None else f"{DEPLOYMENTS}.{self.shown}.{below}"

    def value(self, key: str) -> Any:
        """The value at a dotted key, or the field's default."""
        written = self.get(key)
        if written is None and key in BY_KEY:
            return BY_KEY[key].default
        return written

    def set(self, key: str, value: Any, source: str) -> None:
        """Set a value (None removes the key) and record its source, in words."""
        item, below = self._item(key), key.partition(".")[2]
        tree, inside = (self.tree, key) if item is None else (item, below)
        above, last = holder(tree, inside, make=value is not None)
        if above is None:
            return
        if value is None:
            above.pop(last, None)
            while not above and "." in inside:  # nor does an empty map stay
                inside = inside.rpartition(".")[0]
                above, last = holder(tree, inside)
                assert above is not None
                del above[last]
        else:
            above[last] = value
        key = key if item is None else f"{DEPLOYMENTS}.{self.shown}.{below}"
        self.sources[key] = source
        self.lines[key] = (source, None)
        self.problems = [problem for problem in self.problems if problem.key != key]

    def source(self, key: str) -> str:
        """The source of the value at a key, in words: a file and line, the preset, you, default, a variable."""
        written = self.get(key)
        if written is None:
            if self.sources.get(key):
                return f"{self.sources[key]}, left empty"
            default = BY_KEY[key].default if key in BY_KEY else None
            return _with_variables("default", default) if default is not None else "not set"
        long = self._long(key)
        place = self._place(key) if long != key else self.origin
        return _with_variables(self.sources.get(long, place), written)

    def _place(self, key: str) -> str:
        """The file and line of a key, or the source of the whole plan."""
        file, line = self.where(key)
        return self.origin if line is None else f"{Path(str(file)).name}, line {line}"

    def note_sources(self, *, with_lines: bool = True) -> None:
        """Record the source of every value, after the tree has been read."""
        for key, _ in leaves(self.tree):
            self.sources[key] = self._place(key) if with_lines else self.origin

    def where(self, key: str) -> tuple[str | None, int | None]:
        """The file and line of a key, or of its nearest parent."""
        parts = self._long(key).split(".")
        while parts:
            found = self.lines.get(".".join(parts))
            if found:
                return found
            parts.pop()
        return (str(self.path) if self.path else None), None

    def problem(self, key: str, message: str, remedy: str = "") -> Problem:
        """Create a problem at a key, with its file and line."""
        file, line = self.where(key)
        return Problem(key, message, remedy, file, line)

    def asked(self, key: str) -> bool:
        """Whether a field applies, given the values on which it depends."""
        condition = BY_KEY[key].only_if
        return condition is None or self.value(condition[0]) in condition[1]

    def copy(self) -> Document:
        """An independent copy."""
        return copy.deepcopy(self)

    def rebased(self, base: Path) -> Document:
        """A copy whose relative paths start from another folder."""
        other = self.copy()
        for tree in (other.tree, *({"deployment": item} for item in other.listed())):
            for item in FIELDS:
                if item.kind == "path":
                    self._rebase(tree, item.key, base)
        other.base = base
        return other

    def _rebase(self, tree: dict[str, Any], key: str, base: Path) -> None:
        """Make the path at a key of a tree start from another folder; paths that are not local stay unchanged."""
        above, last = holder(tree, key)
        value = above.get(last) if above else None
        if above and isinstance(value, str) and is_local_path(value) and not has_reference(value):
            try:
                there = real_path(self.base / typed_path(value))
            except UnusablePath:
                return  # written as it is: `resolve` reports it
            inside = there.is_relative_to(base.resolve())
            above[last] = os.path.relpath(there, base.resolve()) if inside else str(there)

    def listed(self) -> list[dict[str, Any]]:
        """The items of `deployments:` as written; empty if the plan has only `deployment:`."""
        found = self.tree.get(DEPLOYMENTS)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def with_shown_last(self) -> Document:
        """A copy with the shown item last, for queries about one deployment."""
        other = self.copy()
        items = other.listed()
        if self.shown is not None and self.shown < len(items):
            items.append(items.pop(self.shown))
            other.tree[DEPLOYMENTS], other.shown = items, len(items) - 1
        return other

    def each(self) -> list[Document]:
        """A document per item of `deployments:`, each with that item as `deployment:`; `[self]` if there are none.

        The values below `deployment:` are the defaults of every item.
        """
        items = self.listed()
        if not items:
            return [self]
        found = []
        for number, item in enumerate(items):
            one = self.copy()
            one.shown = None
            del one.tree[DEPLOYMENTS]
            one.tree["deployment"] = _laid_over(one.tree.get("deployment") or {}, item)
            prefix = f"{DEPLOYMENTS}.{number}"
            for key, line in self.lines.items():
                if key == prefix or key.startswith(f"{prefix}."):
                    one.lines[f"deployment{key[len(prefix) :]}"] = line
            one.problems = list(self.problems) if number == 0 else []
            found.append(one)
        return found

    def as_yaml(self) -> str:
        """The plan as YAML, in the documented order; references are kept."""
        from tui.plan.load_save.yaml_edit import dumped

        return dumped(denormalise(self.tree))

    def as_commented_yaml(self) -> str | None:
        """The plan as YAML with the comments of its file; None without a file, or if the result would not read as
        this plan."""
        import yaml

        from tui.plan.load_save.yaml_edit import rewritten
        from tui.plan.load_save.yaml_nodes import not_a_value

        if self.path is None:
            return None
        try:
            text = self.path.read_text(encoding="utf-8")
            before = yaml.safe_load(text)
        except OSError:
            return None
        except not_a_value():
            return None
        if not isinstance(before, dict):
            return None
        wanted = denormalise(self.tree)
        changed = rewritten(text, _known(before, wanted), wanted)
        if changed is None:
            return None
        try:
            read = yaml.safe_load(changed)
        except not_a_value():
            return None
        return changed if isinstance(read, dict) and _known(read, wanted) == wanted else None

    def save(self, path: Path) -> Document:
        """Write the plan to a file atomically; returns the document as saved there.

        The comments and order of the file it was loaded from are kept. Raises OSError if the folder is not writable, or
        a value contains a shared access signature.
        """
        for key, value in leaves(self.tree):
            if signed(value):
                raise OSError(errno.EINVAL, f"{key}: {' '.join(SIGNED).rstrip('.')}")
        saved = self.rebased(path.parent)
        write_atomic(path, saved.as_commented_yaml() or saved.as_yaml())
        saved.path = path
        return saved


def _known(tree: dict[str, Any], beside: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A file's tree without the keys that a plan ignores (`$schema`, unknown keys that are not in `beside`)."""
    known = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        of_plan = key in BY_KEY or any(field.startswith(f"{key}.") for field in BY_KEY)
        if not of_plan and name not in beside:
            continue
        inner = beside.get(name)
        if isinstance(value, dict) and key not in BY_KEY:
            value = _known(value, inner if isinstance(inner, dict) else {}, f"{key}.")
            if not value and name not in beside:
                continue
        elif value is None and name not in beside:
            continue
        known[name] = value
    return known


def _with_variables(source: str, value: Any) -> str:
    """The source, followed by the environment variables to which the value refers."""
    variables = [f"${name}" for name in names(value)]
    return f"{source}, from {', '.join(variables)}" if variables else source


def is_local_path(value: str) -> bool:
    """Whether a path field's value is a local file or folder."""
    return not re.match(r"^(azureml:|[a-zA-Z][a-zA-Z0-9+.-]*:/)", value)


DEPLOYMENTS = "deployments"
ORDER = (
    "description", "workspace", "credential", "endpoint", "deployment", DEPLOYMENTS, "traffic", "mirror_traffic",
    "rollout", "test", "limits",
)  # fmt: skip


def holder(tree: dict[str, Any], key: str, *, make: bool = False) -> tuple[dict[str, Any] | None, str]:
    """The map in a tree that contains a dotted key, and the key's last part.

    None if there is no such map; with `make` it is created, and replaces values that are not maps.
    """
    *parents, last = key.split(".")
    node: Any = tree
    for part in parents:
        child = node.get(part)
        if not isinstance(child, dict):
            if not make:
                return None, last
            child = node[part] = {}
        node = child
    return node, last


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Merge two trees; `above` wins."""
    result = copy.deepcopy(below)
    for name, value in above.items():
        old = result.get(name)
        result[name] = _laid_over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


SHORT_FORMS = {"model": "path", "environment": "registered"}
"""Keys that can be written as a text instead of a map: `model: azureml:…` means `model: {path: azureml:…}`."""


def deployment_trees(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """The maps below `deployment:` and in the items of `deployments:`."""
    listed = tree.get(DEPLOYMENTS)
    trees = (tree.get("deployment"), *(listed if isinstance(listed, list) else ()))
    return [one for one in trees if isinstance(one, dict)]


def normalise(tree: dict[str, Any]) -> dict[str, Any]:
    """Expand the short forms of YAML in place: `model: azureml:…` becomes `model: {path: …}`. Returns the tree."""
    for deployment in deployment_trees(tree):
        for key, name in SHORT_FORMS.items():
            if isinstance(deployment.get(key), str):
                deployment[key] = {name: deployment[key]}
    if tree.get("rollout") == {}:
        tree["rollout"] = {"steps": [10, 50, 100]}
    return tree


def denormalise(tree: dict[str, Any]) -> dict[str, Any]:
    """The tree as written to YAML: with short forms, without empty maps, in the documented order."""
    ordered = {key: copy.deepcopy(tree[key]) for key in (*ORDER, *tree) if key in tree}
    for deployment in deployment_trees(ordered):
        model = deployment.get("model")
        if isinstance(model, dict) and is_registered(model.get("path")):
            deployment["model"] = model["path"]
        environment = deployment.get("environment")
        if isinstance(environment, dict) and environment.get("registered"):
            deployment["environment"] = environment["registered"]
    for key in [key for key, value in ordered.items() if value == {}]:
        del ordered[key]
    return ordered


def leaves(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The dotted keys and values of a tree; a map field (tags, traffic, …) is one value."""
    for name, value in tree.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and key not in BY_KEY:
            yield from leaves(value, f"{key}.")
        else:
            yield key, value
