"""The common part of both pipelines: the plan's copy in the repository, and the commands of each stage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tui.export.fill_template import filled, sections, template
from tui.export.plan_source import Source, shell, split
from tui.export.targets import ExportedFile
from tui.plan.fields.all_fields import FIELDS
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import has_reference


class Pipeline:
    """A plan with one deployment, prepared for a pipeline."""

    def __init__(self, source: Source) -> None:
        one = source.only
        self.source = one
        self.endpoint = str(one.value("endpoint.name"))
        self.title = self.endpoint if not has_reference(self.endpoint) else "the endpoint"
        self.slug = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        document, self.notes = _portable(one.document, source.folder)
        self.plan_file = ExportedFile(f"{self.slug}.plan.yml", _HEAD + document.as_yaml())
        variables = Source(document, source.folder).variables()
        self.hidden = sorted(name for name, hidden in variables.items() if hidden)
        self.plain = sorted(name for name, hidden in variables.items() if not hidden)
        self.private = one.value("endpoint.public_network_access") == "disabled"
        self.request = one.path("test.request")
        if not self.request:
            self.notes.append(
                "The plan has no test.request, so the pipeline deploys and shifts traffic without a test call."
            )
        if one.document.get("rollout"):
            self.notes.append("The pipeline does not use the plan's rollout; it shifts traffic in two steps.")

    @property
    def watched(self) -> list[str]:
        """The paths whose changes start the pipeline: the plan and the files that it names."""
        found = [self.plan_file.path]
        for item in FIELDS:
            if item.kind != "path" or not self.source.asked(item.key):
                continue
            value = self.source.written(item.key)
            if not isinstance(value, str) or not is_local_path(value) or has_reference(value):
                continue
            path = self.source.path(item.key)
            if path and not path.startswith(("/", "..")):
                folder = (self.source.folder / path).is_dir() or item.must_exist == "folder"
                found.append(f"{path}/**" if folder else path)
        return found

    def values(self, reference: str) -> dict[str, Any]:
        """The values of a pipeline's template; `reference` is the pipeline's form of a reference, such as `$(%s)`.

        In the stages' commands, blue and green alternate, and the one that has traffic is never changed.
        """
        source, call = self.source, ":"
        if self.request:
            call = f'aml-deploy invoke "$ENDPOINT" --plan "$PLAN" --request {shell(self.request)} --json'
        values = {
            "title": self.title,
            "slug": self.slug,
            "plan_file": self.plan_file.path,
            "endpoint": as_yaml(translated(self.endpoint, reference)),
            "subscription_id": as_yaml(translated(source.value("workspace.subscription_id"), reference)),
            "secrets": ", ".join(self.hidden) or None,
            "private": self.private,
            "watched": as_yaml(self.watched),
            "subscription": shell(source.value("workspace.subscription_id")),
            "group": shell(source.value("workspace.resource_group")),
            "workspace": shell(source.value("workspace.name")),
            "request": shell(self.request) if self.request else None,
            "call": call,
        }
        steps = sections(template("pipeline-steps.sh"))
        return {**values, **{name: filled(step, values).rstrip() for name, step in steps.items()}}


def translated(value: Any, form: str) -> str:
    """A value with its references in another form."""
    if not has_reference(value):
        return str(value)
    return "".join(text if kind == "text" else form % text for kind, text in split(str(value)))


def _portable(document: Document, folder: Path) -> tuple[Document, list[str]]:
    """The plan for the folder, with the pipeline's sign-in, and notes about files outside the folder."""
    there = document.rebased(folder)
    there.path = None
    there.tree["credential"] = {"method": "azure_cli"}
    notes = []
    for item in FIELDS:
        value = there.get(item.key)
        if item.kind == "path" and isinstance(value, str) and value.startswith("/"):
            notes.append(f"{item.key} is outside {folder}: {value}. Add it to the repository, next to the plan.")
    return there, notes


_HEAD = "# The plan for the pipeline, which signs in with the Azure CLI.\n"


def as_yaml(value: Any) -> str:
    """A value as YAML, without a final newline."""
    import yaml

    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=200).removesuffix("...\n").rstrip()
