"""Generates names for new files."""

from __future__ import annotations

import glob
import itertools
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

KEPT = "-unsaved-"  # in the names of files with unsaved edits


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


def kept_edits(plan: Path | None) -> Path:
    """Return a new file for unsaved edits of a plan (None: a preset), in the state folder's plans. Raises OSError."""
    from tui.engine.journal.state_folder import plans_folder

    return new_path(plans_folder(), _stem_of_kept(plan), ".yml")


def has_kept_edits(plan: Path | None) -> bool:
    """Whether edits were kept after the plan was last saved."""
    from tui.engine.journal.state_folder import plans_folder

    try:
        kept = plans_folder().glob(f"{glob.escape(_stem_of_kept(plan))}*.yml")
        return plan is not None and any(path.stat().st_mtime > plan.stat().st_mtime for path in kept)
    except OSError:
        return False


def _stem_of_kept(plan: Path | None) -> str:
    whose = zlib.crc32(str(plan.absolute() if plan else "").encode("utf-8", "replace"))
    return f"{plan.stem if plan else 'plan'}{KEPT}{whose:08x}"
