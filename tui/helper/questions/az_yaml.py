"""Imports the YAML files of `az ml` as a plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.cloud import az_yaml
from tui.plan.load_save.az_yaml_import import ImportedDocument
from tui.plan.problems import PlanInvalid, Problem


def import_az_yaml(
    plan: dict[str, Any], files: list[str], endpoint_name: str = "", settings: dict[str, str] | None = None
) -> ImportedDocument | dict[str, list[Problem]]:
    """The document that the files describe, for `ImportedDocument.of_answer`, or why they are `refused`.

    `endpoint_name` and `settings` replace what they say. Neither a plan nor Azure is read.
    """
    try:
        return az_yaml.import_files([Path(name) for name in files], endpoint_name, settings)
    except PlanInvalid as invalid:
        return {"refused": invalid.problems}
