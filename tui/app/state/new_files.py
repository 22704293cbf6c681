"""Generates names for new files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path


def numbered(folder: Path, stem: str, ending: str) -> Iterator[Path]:
    """Yield `stem`, `stem-2`, `stem-3` and so on in a folder, each with the ending."""
    return (
        folder / (f"{stem}{ending}" if number == 1 else f"{stem}-{number}{ending}") for number in itertools.count(1)
    )


def new_path(folder: Path, stem: str, ending: str = "") -> Path:
    """Return the first path of `numbered` that does not exist."""
    return next(path for path in numbered(folder, stem, ending) if not path.exists())


def stem_of(name: str) -> str:
    """Return a model's name as a file name stem."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "model"
