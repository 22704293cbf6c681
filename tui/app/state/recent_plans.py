"""Remembers which plan files were opened or saved."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from tui.common.regular_file import read_regular
from tui.common.write_atomic import write_atomic

MOST = 20


def _file() -> Path:
    from tui.engine.journal.state_folder import state_folder

    return state_folder() / "recent-plans.json"


def remembered() -> list[Path]:
    """Return the plan files, newest first; they may be gone. Raises OSError if the state folder cannot be used."""
    try:
        found = json.loads(read_regular(_file()))
    except (FileNotFoundError, ValueError):
        return []
    return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []


def remember(plan: Path) -> None:
    """Put a plan file first; without a state folder, nothing is remembered."""
    with contextlib.suppress(OSError, UnicodeError):
        path, known = plan.absolute(), remembered()
        if known[:1] != [path]:
            newest = [path, *(other for other in known if other != path)][:MOST]
            write_atomic(_file(), json.dumps(list(map(str, newest))), mode=0o600)
