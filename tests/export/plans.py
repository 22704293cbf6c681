"""Plans in memory for the tests of exports: nothing is written, and nothing is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.export.plan_source import Source
from tui.export.targets import Export, export
from tui.plan.load_save.document import Document

GUID = "00000000-0000-0000-0000-000000000001"


def plan(base: Path, **values: Any) -> Document:
    """A small plan whose paths start from `base`; values are given by key, with __ for the dot, None removes one."""
    model = {"name": "m", "path": "model", "type": "custom_model"}
    deployment = {"name": "blue", "model": model, "environment": {"image": "i"}, "instance_count": 2}
    workspace = {"subscription_id": GUID, "resource_group": "rg", "name": "ws-1"}
    document = Document(tree={"workspace": workspace, "endpoint": {"name": "churn"}, "deployment": deployment})
    document.base = base
    for key, value in values.items():
        document.set(key.replace("__", "."), value, "test")
    return document


def source(base: Path, **values: Any) -> Source:
    """The plan as a source of an export into `base`/out."""
    return Source(plan(base, **values), base / "out")


def made(to: str, base: Path, **values: Any) -> Export:
    """The export of a plan to a target."""
    return export(plan(base, **values), to, base / "out")


def text_of(exported: Export, name: str) -> str:
    """The text of a file of an export."""
    return next(item.text for item in exported.files if item.path == name)
