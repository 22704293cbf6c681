"""Read one `az ml` file: its kind, the line of each key, and the files it includes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.plan.fields.sources import SIGNED, signed
from tui.plan.load_save import yaml_nodes
from tui.plan.load_save.document import holder, leaves
from tui.plan.problems import PlanInvalid, Problem

FILE = "file:"
"""The prefix that includes another file, as in `environment: file:environment.yml`."""
OF_DEPLOYMENTS = {"endpoint_name", "instance_type", "instance_count", "code_configuration", "environment", "model"}
OF_ENDPOINTS = {"auth_mode", "traffic", "mirror_traffic", "public_network_access", "identity"}
BRACES = re.compile(r"\$?\{\{ *[\w.-]+ *\}\}")
OF_SAMPLES = re.compile(BRACES.pattern + r"|<[A-Za-z][\w .-]*>")
PLACEHOLDER = re.compile(OF_SAMPLES.pattern + r"|\$\{\w+\}|\$\(\w+\)|\$[A-Za-z_]\w*")
"""What people write where a script or a person fills in a value: {{NAME}}, <NAME>, $NAME, ${NAME}, ${{NAME}}, $(NAME).

A reference of a plan, such as ${env:NAME}, is none.
"""
FREE_TEXT = {"description", "tags", "properties", "environment_variables"}
"""Keys whose values Azure does not read: what looks like a placeholder can be meant, such as a model's token <s>."""
PREVIEW = (
    *("model.local_path", "model.local_file", "model.file", "code_configuration.code.local_path"),
    *("code_configuration.code.path", "environment.docker", "environment.path", "environment.file"),
    *("scale_settings.scale_type", "deployments"),
)
"""Keys of the format of 2021, before the CLI v2 was released; azure-ai-ml takes some of them for paths."""
OTHER_COMMANDS = "az ml endpoint and deployment files have keys such as auth_mode, endpoint_name, model, instance_type."


@dataclass
class Part:
    """An endpoint or deployment file: its tree as written, with the file and line of each key."""

    path: Path
    kind: str
    tree: dict[str, Any]
    lines: dict[str, tuple[Path, int]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """Values of the command line, by key; they replace those in the file."""

    def where(self, key: str) -> tuple[str, int | None]:
        """The file and line of a key, or of its nearest parent; line 1 for the whole file. An option has no line."""
        while key:
            if key in self.settings:
                return self.option(key).partition("=")[0], None
            if key in self.lines:
                path, line = self.lines[key]
                return str(path), line
            key = key.rpartition(".")[0]
        return str(self.path), 1

    def folder_of(self, key: str) -> Path:
        """The folder from which a relative path at a key starts: that of the file in which it is written."""
        file, line = self.where(key)
        return (self.path if line is None else Path(file)).resolve().parent

    def problem(self, key: str, message: str, remedy: str = "") -> Problem:
        """Create a problem at a key of this file."""
        file, line = self.where(key)
        return Problem(key, message, remedy, file, line)

    def option(self, key: str) -> str:
        """The option of the command line that gives the value of a key."""
        own = "endpoint." * (self.kind == "endpoint") + key
        return "--endpoint-name NAME" if own in ("endpoint_name", "endpoint.name") else f"--set {own}=VALUE"

    def of_another_kind(self, key: str, what: str) -> Problem:
        """Create the problem that `key` marks another kind of endpoint than a managed online endpoint."""
        text = f"This key means that the file is for {what} endpoint or deployment."
        return self.problem(key, text, "Plans support managed online endpoints only.")


def read_part(path: Path, settings: Mapping[str, str] | None = None) -> Part:
    """Read the endpoint or deployment in a file; `settings` are values of the command line, by key.

    A key that begins with `endpoint.` or `deployment.` is for files of that kind, any other for deployments. Raises
    PlanInvalid if the file is unreadable, neither, of the format of 2021, has a secret, or a placeholder instead of a
    value.
    """
    tree, lines = _read(path)
    part = Part(path, "", tree, lines)
    value = tree.get("environment")
    if isinstance(value, str) and value.startswith(FILE):
        tree["environment"], inner = _read(path.parent / value[len(FILE) :])
        tree["environment"].pop("$schema", None)
        lines.update({f"environment.{name}": where for name, where in inner.items()})
    old = [part.problem(key, *_PREVIEW) for key in PREVIEW if _has(tree, key)]
    if old:
        raise PlanInvalid(old)
    part.kind = _kind(part)
    for key, text in (settings or {}).items():
        kind, _, own = key.partition(".")
        kind, own = (kind, own) if kind in ("endpoint", "deployment") and own else ("deployment", key)
        if kind == part.kind:
            part.settings[own] = text
            above, last = holder(tree, own, make=True)
            assert above is not None
            above[last] = text
    wrong = [part.problem(key, *SIGNED) for key, value in leaves(tree) if signed(value)]
    for key, value in leaves(tree):
        found = PLACEHOLDER.search(value) if isinstance(value, str) else None
        if found and FREE_TEXT.isdisjoint(key.split(".")):
            how = f"Fill it in in the file, or pass {part.option(key)}."
            wrong.append(part.problem(key, f"{found[0]} is a placeholder, not a value.", how))
    if wrong:
        raise PlanInvalid(wrong)
    return part


_PREVIEW = (
    "This key belongs to the preview format of 2021, which azure-ai-ml does not read.",
    "Write model.path, code_configuration.code and environment.conda_file as paths, environment.image instead of "
    "docker, instance_count instead of scale_settings, and one file for each deployment.",
)


def _has(tree: dict[str, Any], key: str) -> bool:
    above, last = holder(tree, key)
    return above is not None and last in above


def _kind(part: Part) -> str:
    schema = str(part.tree.get("$schema") or "").lower()
    for word, what in (("kubernetes", "a Kubernetes"), ("batch", "a batch")):
        if word in schema:
            raise PlanInvalid([part.of_another_kind("$schema", what)])
    for word, kind in (("onlinedeployment", "deployment"), ("onlineendpoint", "endpoint")):
        if word in schema:
            return kind
    keys = set(part.tree)
    if keys & OF_DEPLOYMENTS:
        return "deployment"
    if keys & OF_ENDPOINTS:
        return "endpoint"
    if "workspace" in keys or "deployment" in keys or "endpoint" in keys:
        text = "This is already a plan, not an az ml file."
        raise PlanInvalid([part.problem("", text, "Open it as a plan.")])
    text = "This is neither an online endpoint nor an online deployment in az ml format."
    raise PlanInvalid([part.problem("", text, OTHER_COMMANDS)])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[Path, int]]]:
    try:
        node, tree = yaml_nodes.read(path), yaml_nodes.read_values(path)
    except PlanInvalid:
        unfilled = list(_braces(path))  # YAML takes {{NAME}} for a map, and complains elsewhere
        if unfilled:
            raise PlanInvalid(unfilled) from None
        raise
    if not isinstance(tree, dict):
        raise PlanInvalid([Problem("", "The file contains no keys and values.", OTHER_COMMANDS, str(path), 1)])
    lines: dict[str, tuple[Path, int]] = {}
    _note_lines(node, "", path, lines)
    return {str(key): value for key, value in tree.items()}, lines


def _braces(path: Path) -> Iterator[Problem]:
    """The placeholders in braces of a file that is no YAML because of them."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return
    for number, line in enumerate(text.splitlines(), 1):
        for found in BRACES.findall(line.partition("#")[0]):
            key = line.partition(":")[0].strip(" -")
            yield Problem(key, f"{found} is a placeholder, not a value.", "Fill it in in the file.", str(path), number)


def _note_lines(node: Any, prefix: str, path: Path, lines: dict[str, tuple[Path, int]]) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = f"{prefix}{key_node.value}"
            lines[key] = (path, key_node.start_mark.line + 1)
            _note_lines(value_node, f"{key}.", path, lines)
