"""Exports the plan as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.cloud.errors import CloudError
from tui.common.typed_path import UnusablePath, typed_path
from tui.export.targets import TARGETS, write
from tui.export.targets import export as export_plan
from tui.plan.load_save.document import Document
from tui.plan.problems import PlanInvalid


def export(plan: dict[str, Any], to: str = "", folder: str = "", replace: bool = False) -> dict[str, Any]:
    """Write the files of a target and return their paths; without a target, list the targets. Raises CloudError.

    Typed secrets are not used: files contain references only.
    """
    if not to:
        return {"targets": [{"name": one.name, "about": one.about} for one in TARGETS]}
    document = Document(tree=dict(plan.get("document") or {}), base=Path(plan.get("base") or "."))
    try:
        place = typed_path(folder or to)
        made = export_plan(document, to, place)
    except UnusablePath as unusable:
        raise CloudError("The folder cannot be used", str(unusable), "Name another folder.") from None
    except PlanInvalid as invalid:
        raise CloudError(
            "The plan cannot be exported to this target", str(invalid), "Enter or change the fields named above."
        ) from None
    taken = [item.path for item in made.files if (place / item.path).exists()]
    if taken and not replace:
        raise CloudError(
            f"{place} already has {', '.join(taken)}", "Nothing was written.", "Name another folder.", code="FilesExist"
        )
    try:
        written = write(made, place)
    except OSError as error:
        cause = f"{error.strerror}."
        raise CloudError(f"{place} cannot be written", cause, "Name a folder that you can write to.") from None
    return {"files": [str(path) for path in written], "notes": made.notes, "folder": str(place)}
