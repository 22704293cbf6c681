"""Lists the export targets, and writes their files."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tui.common.write_atomic import write_atomic
from tui.plan.load_save.document import Document
from tui.plan.problems import PlanInvalid, Problem


@dataclass(frozen=True)
class ExportedFile:
    """A file to write: its path in the export's folder, its text, and whether it is executable."""

    path: str
    text: str
    program: bool = False


@dataclass
class Export:
    """The files of an export, and notes for the user: what they do not contain, and what to do before using them."""

    files: list[ExportedFile]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """A target that a plan can be exported to."""

    name: str
    about: str
    module: str


TARGETS: tuple[Target, ...] = (
    Target("az-yaml", "endpoint.yml, deployment.yml and a script with the commands of az ml", "az_yaml"),
    Target("python", "a Python script with Azure's SDK", "python_script"),
    Target("notebook", "a Databricks notebook with Azure's SDK and dbutils.secrets", "notebook"),
    Target(
        "github-actions",
        "a GitHub workflow: check, deploy, test, shift traffic, roll back on failure",
        "github_actions",
    ),
    Target("azure-pipelines", "the same for Azure Pipelines", "azure_pipelines"),
    Target("bicep", "the prerequisites: networks, private endpoints, workspace, role assignments", "bicep"),
    Target("docs", "a one-page runbook of the endpoint", "runbook"),
)


def target(name: str) -> Target:
    """The target of that name. Raises PlanInvalid if there is none."""
    for one in TARGETS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in TARGETS)
    raise PlanInvalid([Problem("", f"There is no export to {name}.", f"Targets: {known}.", "--to")])


def export(document: Document, to: str, folder: Path) -> Export:
    """Export a plan to the target `to`, with paths relative to `folder`; nothing is written.

    References stay references, in the target's own form; no file contains a secret's value. Raises PlanInvalid if the
    target does not support the plan.
    """
    from tui.export.plan_source import Source

    module = importlib.import_module(f"tui.export.{target(to).module}")
    return cast(Export, module.files(Source(document, folder.resolve())))


def write(exported: Export, folder: Path) -> list[Path]:
    """Write the files, each atomically; return their paths. Raises OSError."""
    written = []
    for item in exported.files:
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, item.text, mode=0o755 if item.program else 0o644)
        written.append(path)
    return written
