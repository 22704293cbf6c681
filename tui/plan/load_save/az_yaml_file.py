"""One file of `az ml`, with the lines of its keys: which kind it is, and other files that it takes in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tui.plan.load_save import yaml_nodes
from tui.plan.problems import PlanInvalid, Problem

FILE = "file:"
"""`environment: file:environment.yml` takes the environment's own file in."""
OF_DEPLOYMENTS = {"endpoint_name", "instance_type", "instance_count", "code_configuration", "environment", "model"}
OF_ENDPOINTS = {"auth_mode", "traffic", "mirror_traffic", "public_network_access", "identity"}
OTHER_COMMANDS = "az ml endpoint and deployment files have keys such as auth_mode, endpoint_name, model, instance_type."


@dataclass
class Part:
    """An endpoint's or a deployment's file: its tree as written, and file and line of each key."""

    path: Path
    kind: str
    tree: dict[str, Any]
    lines: dict[str, tuple[Path, int]] = field(default_factory=dict)

    def where(self, key: str) -> tuple[str, int | None]:
        """File and line of a key, or of the nearest key above it; the first line for the whole."""
        while key:
            if key in self.lines:
                path, line = self.lines[key]
                return str(path), line
            key = key.rpartition(".")[0]
        return str(self.path), 1

    def folder_of(self, key: str) -> Path:
        """The folder that a relative path at a key starts from: that of the file it is written in."""
        return Path(self.where(key)[0]).resolve().parent

    def problem(self, key: str, message: str, remedy: str = "") -> Problem:
        """A problem at a key of this file."""
        file, line = self.where(key)
        return Problem(key, message, remedy, file, line)

    def of_another_kind(self, key: str, what: str) -> Problem:
        """The problem of a file that is, by one of its keys, no managed online endpoint or deployment."""
        text = f"This says that the file is {what} endpoint or deployment."
        return self.problem(key, text, "A plan is for managed online endpoints.")


def read_part(path: Path) -> Part:
    """The endpoint or deployment in a file. Raises PlanInvalid when it cannot be read or is neither."""
    tree, lines = _read(path)
    part = Part(path, "", tree, lines)
    value = tree.get("environment")
    if isinstance(value, str) and value.startswith(FILE):
        tree["environment"], inner = _read(path.parent / value[len(FILE) :])
        tree["environment"].pop("$schema", None)
        lines.update({f"environment.{name}": where for name, where in inner.items()})
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
        text = "This is a plan already, and not a file of az ml."
        raise PlanInvalid([part.problem("", text, "Open it as a plan.")])
    text = "This is neither an online endpoint nor an online deployment of az ml."
    raise PlanInvalid([part.problem("", text, OTHER_COMMANDS)])


def _read(path: Path) -> tuple[dict[str, Any], dict[str, tuple[Path, int]]]:
    node, tree = yaml_nodes.read(path), yaml_nodes.read_values(path)
    if not isinstance(tree, dict):
        raise PlanInvalid([Problem("", "The file holds no keys and values.", OTHER_COMMANDS, str(path), 1)])
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
