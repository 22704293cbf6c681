"""The presets that ship with the project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Preset:
    """A plan that ships with the project."""

    name: str
    description: str
    path: Path


def folder() -> Path:
    """Where the presets lie: inside the package when installed from a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def presets() -> list[Preset]:
    """All presets by name, with their descriptions."""
    found = []
    for path in sorted(folder().glob("*.yml")):
        description = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("description:"):
                description = line.partition(":")[2].strip().strip("\"'")
                break
        found.append(Preset(path.stem, description, path))
    return found


def find(name: str) -> Preset | None:
    """The preset of that name, or None."""
    return next((preset for preset in presets() if preset.name == name), None)
