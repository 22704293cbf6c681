"""Counts the files of a local folder in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.helper import sessions


def count_files(plan: dict[str, Any], path: str | None = None, fresh: bool = False) -> dict[str, Any]:
    """The files and bytes of a folder to upload, counted so far; ask again until `ended`.

    Without `path`, the plan's model. Needs no sign-in, and answers within a second even if the file system hangs.
    """
    from tui.checks.model import file_count

    if path is None:
        model = sessions.plan_of(plan).deployment.model.path
        if model is None:
            return {**file_count.Figures(complete=True).as_dict(), "seconds": 0.0, "ended": True}
        return file_count.running(model, fresh=fresh)
    return file_count.running(Path(path), fresh=fresh)
