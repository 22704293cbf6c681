"""What home lists: runs and recent plans, as they are on disk."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.app.state.new_files import KEPT
from tui.app.state.recent_plans import remembered
from tui.app.text import formatting

if TYPE_CHECKING:
    from tui.engine.journal.runs import Run

UNFINISHED = ("running", "interrupted", "failed")
MOST = 8


@dataclass(frozen=True)
class Entry:
    """A line of the list: an unfinished run, a plan (a preset's name or a file), or an action."""

    title: str
    about: str
    plan: str = ""
    run: KnownRun | None = None
    does: str = ""


@dataclass(frozen=True)
class KnownRun:
    """A run with what its journal tells: status, name of the workspace (if it got that far), begin and duration."""

    run: Run
    status: str
    workspace: str
    began: datetime
    """Local time."""
    seconds: float | None
    """Of work; up to now while it runs; None if it has not begun."""

    @property
    def where(self) -> str:
        """Where it was started: Azure or the rehearsal."""
        return "the rehearsal" if self.run.rehearsed else "Azure"

    @property
    def took(self) -> str:
        """The duration in words."""
        return "" if self.seconds is None else formatting.duration(self.seconds)

    def in_words(self) -> str:
        """Everything but the endpoint's name."""
        parts = (f"{self.status} in {self.where}", self.workspace, self.took, f"{self.began:%Y-%m-%d %H:%M %Z}")
        return ", ".join(part for part in parts if part)


def known(run: Run) -> KnownRun:
    """Read what a run's journal tells; reads its first and last file."""
    from tui.engine.journal.run_view import seconds_of

    status, last = run.status, run.journal.last()
    began, seconds = 0.0, None
    with contextlib.suppress(ValueError):  # somebody has changed a file
        began = seconds_of(run.started)
        if status == "running" or last:
            ended = seconds_of(last["time"]) if last and status != "running" else time.time()
            seconds = max(ended - began, 0.0)
    return KnownRun(run, status, run.workspace.get("name", ""), datetime.fromtimestamp(began).astimezone(), seconds)


def all_runs() -> list[KnownRun]:
    """Return the runs of the state folder, unfinished ones first, then newest first. Raises OSError."""
    from tui.engine.journal.runs import runs

    return sorted(map(known, runs()), key=lambda run: run.status not in UNFINISHED)


def unfinished_runs() -> list[Entry]:
    """Return the newest runs that are in progress, interrupted or failed. Raises OSError."""
    from tui.engine.journal.runs import runs

    found = [known(run) for run in runs()[:30] if run.status in UNFINISHED][:MOST]
    return [Entry(one.run.endpoint, one.in_words(), run=one) for one in found]


def recent_plans() -> list[Entry]:
    """Return the plans that were opened or saved and still exist, most recently changed first."""
    from tui.engine.journal.state_folder import plans_folder

    changed: dict[Path, float] = {}
    try:
        for path in (*plans_folder().glob("*.yml"), *remembered()):
            changed[path] = os.path.getmtime(path) if os.path.isfile(path) else 0  # noqa: PTH113, PTH204
    except OSError:
        pass  # those that were found
    newest = sorted((path for path, at in changed.items() if at), key=lambda path: changed[path], reverse=True)
    return [Entry(_title(path), _saved(path, changed[path], plans_folder()), plan=str(path)) for path in newest[:MOST]]


def _title(path: Path) -> str:
    """The file's name, with its folder's where many are called so: `aml-deploy new` writes plan.yml."""
    return path.stem if path.stem != "plan" else f"{path.parent.name}/{path.name}"


def _saved(path: Path, at: float, own: Path) -> str:
    what = "unsaved edits of a wizard that ended by an error, kept" if KEPT in path.stem else "saved"
    where = f", in {path.parent}" if path.parent != own else ""
    return f"{what} {datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M %Z}{where}"
