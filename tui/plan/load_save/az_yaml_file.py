"""Read one `az ml` file: its kind, the line of each key, and the files it includes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.plan.fields.sources import SIGNED, signed
from tui.plan.load_save import yaml_nodes
from tui.plan.load_save.document import leaves
from tui.plan.problems import PlanInvalid, Problem

FILE = "file:"
"""The prefix that includes another file, as in `environment: file:environment.yml`."""
OF_DEPLOYMENTS = {"endpoint_name", "instance_type", "instance_count", "code_configuration", "environment", "model"}
OF_ENDPOINTS = {"auth_mode", "traffic", "mirror_traffic", "public_network_access", "identity"}
OTHER_COMMANDS = "az ml endpoint and deployment files have keys such as auth_mode, endpoint_name, model, instance_type."


@dataclass
class Part:
    """An endpoint or deployment file: its tree as written, with the file and line of each key."""

    path: Path
    kind: str
    tree: dict[str, Any]
    lines: dict[str, tuple[Path, int]] = field(default_factory=dict)

    def where(self, key: str) -> tuple[str, int | None]:
        """The file and line of a key, or of its nearest parent; line 1 for the whole file."""
        while key:
            if key in self.lines:
                path, line = self.lines[key]
                return str(path), line
            key = key.rpartition(".")[0]
        return str(self.path), 1

    def folder_of(self, key: str) -> Path:
        """The folder from which a relative path at a key starts: that of the file in which it is written."""
        return Path(self.where(key)[0]).resolve().parent

    def problem(self, key: str, message: str, remedy: str = "") -> Problem:
        """Create a problem at a key of this file."""
        file, line = self.where(key)
        return Problem(key, message, remedy, file, line)

    def of_another_kind(self, key: str, what: str) -> Problem:
        """Create the problem that `key` marks another kind of endpoint than a managed online endpoint."""
        text = f"This key means that the file is for {what} endpoint or deployment."
        return self.problem(key, text, "Plans support managed online endpoints only.")


def read_part(path: Path) -> Part:
    """Read the endpoint or deployment in a file. Raises PlanInvalid if it is unreadable, neither, or has a secret."""
    tree, lines = _read(path)
    part = Part(path, "", tree, lines)
    value = tree.get("environment")
    if isinstance(value, str) and value.startswith(FILE):
        tree["environment"], inner = _read(path.parent / value[len(FILE) :])
        tree["environment"].pop("$schema", None)
        lines.update({f"environment.{name}": where for name, where in inner.items()})
    signatures = [part.problem(key, *SIGNED) for key, value in leaves(tree) if signed(value)]
    if signatures:
        raise PlanInvalid(signatures)
    part.kind = _kind(part)
    return part


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
    node, tree = yaml_nodes.read(path), yaml_nodes.read_values(path)
    if not isinstance(tree, dict):
        raise PlanInvalid([Problem("", "The file contains no keys and values.", OTHER_COMMANDS, str(path), 1)])
    lines: dict[str, tuple[Path, int]] = {}
    _note_lines(node, "", path, lines)
    return {str(key): value for key, value in tree.items()}, lines


def _note_lines(node: Any, prefix: str, path: Path, lines: dict[str, tuple[Path, int]]) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = f"{prefix}{key_node.value}"
            lines[key] = (path, key_node.start_mark.line + 1)
            _note_lines(value_node, f"{key}.", path, lines)
