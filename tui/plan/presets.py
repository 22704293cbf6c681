"""The presets that ship with the project."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Preset:
    """A ready-made plan: its name, description and file."""

    name: str
    description: str
    path: Path


def folder() -> Path:
    """The folder of the presets: inside the package if installed from a wheel, next to it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def presets() -> list[Preset]:
    """All presets by name, with their descriptions."""
    found = []
    for path in sorted(folder().glob("*.yml")):
        said = re.search(r"^description:(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        found.append(Preset(path.stem, said[1].strip().strip("\"'") if said else "", path))
    return found


def find(name: str) -> Preset | None:
    """The preset with this name, or None."""
    return next((preset for preset in presets() if preset.name == name), None)
