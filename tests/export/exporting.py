"""What the tests of exports share: own copies of a preset, and exports of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from tui.export.targets import Export, export, write
from tui.plan.load_save.load import load
from tui.plan.presets import find

PRESET = "churn-xgboost"


def own_preset(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the preset and its files, with texts of the plan replaced."""
    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET)
    text = preset.path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, f"{old} is not in the preset any more"
        text = text.replace(old, new)
    plan = folder / "plan.yml"
    plan.write_text(text, encoding="utf-8")
    return plan


def exported(plan: Path, to: str, folder: Path, *sets: str) -> Export:
    """The plan exported and written to the folder."""
    made = export(load(plan, (), sets), to, folder)
    write(made, folder)
    return made
