"""What lies in a folder of this machine, counted while others wait."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.helper import sessions


def count_files(plan: dict[str, Any], path: str | None = None, fresh: bool = False) -> dict[str, Any]:
    """Files and bytes below a folder as the upload would take them, so far: ask again until `ended`.

    Without `path` the plan's model. Needs no sign-in; the answer comes within a second whatever the file system does.
    """
    from tui.checks.model import file_count

    if path is None:
        model = sessions.plan_of(plan).deployment.model.path
        if model is None:
            return {**file_count.Figures(complete=True).as_dict(), "seconds": 0.0, "ended": True}
        return file_count.running(model, fresh=fresh)
    return file_count.running(Path(path), fresh=fresh)
