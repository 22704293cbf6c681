"""The runs that this machine knows, newest first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tui.common.write_atomic import write_atomic
from tui.engine import heartbeat_and_takeover
from tui.engine.journal.journal import Journal
from tui.engine.journal.state_folder import runs_folder


@dataclass(frozen=True)
class Run:
    """A run folder. `started` is UTC, ISO 8601; `plan` is the plan file in it."""

    id: str
    folder: Path
    endpoint: str
    deployment: str
    started: str
    rehearsed: bool
    record: Path | None = None  # where the exchanges with Azure are written down, if they are
    user: str = ""  # who started it, as user@host
    plan_hash: str = ""  # what it was started with; also a tag on what it made
    typed: tuple[str, ...] = ()  # the keys of secrets that were typed when it began; their values are nowhere

    @property
    def plan(self) -> Path:
        """The plan that the run carries out, with absolute paths and references as they were written."""
        return self.folder / "plan.yml"

    @property
    def log(self) -> Path:
        """The engine's log."""
        return self.folder / "engine.log"

    @cached_property
    def journal(self) -> Journal:
        """Reads the run's events; one for as long as this object is kept, so that each look is cheap."""
        return Journal(self.folder)

    @property
    def alive(self) -> bool:
        """Whether the run's engine works right now, on this machine or, by its signs of life, on another one."""
        return engine_pid(self.folder) is not None or heartbeat_and_takeover.elsewhere(self.folder) is not None

    @property
    def elsewhere(self) -> str:
        """The name of the other machine that works on the run; empty when none does."""
        beat = heartbeat_and_takeover.elsewhere(self.folder)
        return beat.host if beat else ""

    @property
    def status(self) -> str:
        """succeeded, failed, blocked, cancelled; running while the engine lives, else interrupted."""
        last = self.journal.last()
        if last and last.get("event") == "run_finished":
            return str(last.get("status"))
        return "running" if self.alive else "interrupted"

    def summary(self) -> dict[str, Any]:
        """The line that `runs --json` prints."""
        return {
            "run": self.id,
            "status": self.status,
            "endpoint": self.endpoint,
            "deployment": self.deployment,
            "started": self.started,
            "rehearsed": self.rehearsed,
            "user": self.user,
            "plan_hash": self.plan_hash,
        }


def runs() -> list[Run]:
    """All runs, newest first. Folders that hold no run are passed over."""
    found = []
    for folder in runs_folder().iterdir():
        run = read(folder)
        if run:
            found.append(run)
    return sorted(found, key=lambda run: (run.started, run.id), reverse=True)


def find(run_id: str) -> Run | None:
    """The run of that id, or None."""
    if not run_id or "/" in run_id or run_id.startswith("."):
        return None
    return read(runs_folder() / run_id)


def latest(endpoint: str | None = None) -> Run | None:
    """The newest run, or the newest one on an endpoint; None where there is none."""
    return next((run for run in runs() if endpoint is None or run.endpoint == endpoint), None)


def read(folder: Path) -> Run | None:
    """The run in a folder, or None where there is none that can be read."""
    try:
        about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return Run(
            id=about["run"],
            folder=folder,
            endpoint=about["endpoint"],
            deployment=about["deployment"],
            started=about["started"],
            rehearsed=bool(about["rehearsed"]),
            record=Path(about["record"]) if about.get("record") else None,
            user=str(about.get("user") or ""),
            plan_hash=str(about.get("plan_hash") or ""),
            typed=tuple(str(key) for key in about.get("typed") or ()),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_engine(folder: Path, pid: int) -> None:
    """Say that a process of this machine is the run's engine."""
    about = {"pid": pid, "started": _start_time(pid), "host": heartbeat_and_takeover.this_machine()}
    write_atomic(folder / "engine.json", json.dumps(about), mode=0o600)


def engine_pid(folder: Path) -> int | None:
    """The process id of the run's engine, if it lives on this machine."""
    try:
        about = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
        pid = int(about["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if about.get("host") != heartbeat_and_takeover.this_machine():
        return None
    started = _start_time(pid)
    return pid if started is not None and started == about.get("started") else None


def _start_time(pid: int) -> str | None:
    """When a process began (a process id may be used again); None when it has ended.

    In the kernel's ticks; where there is no /proc, in psutil's seconds since the epoch.
    """
    if not Path("/proc/self/stat").exists():
        return _start_time_with_psutil(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in ("Z", "X") else rest[18]


def _start_time_with_psutil(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else str(process.create_time())
    except psutil.Error:
        return None
