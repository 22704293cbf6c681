"""Lists and reads the runs in this machine's state folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tui.common.regular_file import json_object, read_regular
from tui.common.write_atomic import write_atomic
from tui.engine import heartbeat_and_takeover
from tui.engine.journal.journal import Journal, ends
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
    record: Path | None = None  # the file to which the exchanges with Azure are recorded, if any
    user: str = ""  # who started it, as user@host
    plan_hash: str = ""  # of the plan at the start; also a tag on the resources that the run creates
    typed: tuple[str, ...] = ()  # the keys of secrets typed at the start; their values are not stored

    @property
    def plan(self) -> Path:
        """The run's plan file, with absolute paths and unexpanded references."""
        return self.folder / "plan.yml"

    @property
    def log(self) -> Path:
        """The path of the engine's log."""
        return self.folder / "engine.log"

    @cached_property
    def journal(self) -> Journal:
        """The reader of the run's events; cached on this object, so that each read is cheap."""
        return Journal(self.folder)

    @property
    def workspace(self) -> dict[str, str]:
        """The workspace's subscription_id, resource_group and name, as far as the run has begun to use it."""
        found = (event for read in (self.journal.first, self.journal.read) for event in read())
        begun = next((event for event in found if event["event"] == "run_started"), {})
        return {key: str(value) for key, value in (begun.get("workspace") or {}).items() if value}

    def works_on(self, endpoint: str, workspace: Mapping[str, str], *, rehearsed: bool) -> bool:
        """Whether the run's engine is alive and works on an endpoint; parts of a workspace's id that are empty or
        unknown here or there are not compared."""
        if (self.endpoint, self.rehearsed) != (endpoint, rehearsed) or not self.alive or self.journal.finished():
            return False
        theirs = self.workspace
        return all(value.casefold() == theirs.get(key, value).casefold() for key, value in workspace.items() if value)

    @property
    def alive(self) -> bool:
        """Whether the run's engine is alive, on this machine or, by its heartbeat, on another one."""
        return engine_pid(self.folder) is not None or heartbeat_and_takeover.elsewhere(self.folder) is not None

    @property
    def elsewhere(self) -> str:
        """The name of the other machine that works on the run; empty if none does."""
        beat = heartbeat_and_takeover.elsewhere(self.folder)
        return beat.host if beat else ""

    @property
    def status(self) -> str:
        """succeeded, failed, blocked or cancelled; running while the engine is alive, else interrupted."""
        last = self.journal.last()
        if last and ends(last):
            return str(last.get("status"))
        return "running" if self.alive else "interrupted"

    def summary(self) -> dict[str, Any]:
        """The object that `runs --json` prints."""
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
    """All runs, newest first. Folders without a run are skipped."""
    found = []
    for folder in runs_folder().iterdir():
        run = read(folder)
        if run:
            found.append(run)
    return sorted(found, key=lambda run: (run.started, run.id), reverse=True)


def find(run_id: str) -> Run | None:
    """The run with that id, or None."""
    if not run_id or "/" in run_id or run_id.startswith("."):
        return None
    return read(runs_folder() / run_id)


def latest(endpoint: str | None = None, *, rehearsed: bool = False) -> Run | None:
    """The newest run (with `rehearsed`, the newest rehearsed one), or that on an endpoint; None if there is none."""
    fitting = (run for run in runs() if run.rehearsed or not rehearsed)
    return next((run for run in fitting if endpoint is None or run.endpoint == endpoint), None)


def read(folder: Path) -> Run | None:
    """The run in a folder; None if there is none or it cannot be read."""
    try:
        about = json_object(read_regular(folder / "run.json"))
        return Run(
            id=str(about["run"]),
            folder=folder,
            endpoint=str(about["endpoint"]),
            deployment=str(about["deployment"]),
            started=str(about["started"]),
            rehearsed=bool(about["rehearsed"]),
            record=Path(about["record"]) if about.get("record") else None,
            user=str(about.get("user") or ""),
            plan_hash=str(about.get("plan_hash") or ""),
            typed=tuple(str(key) for key in about.get("typed") or ()),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_engine(folder: Path, pid: int) -> None:
    """Record that a process of this machine is the run's engine."""
    about = {"pid": pid, "started": _start_time(pid), "host": heartbeat_and_takeover.this_machine()}
    write_atomic(folder / "engine.json", json.dumps(about), mode=0o600)


def engine_pid(folder: Path) -> int | None:
    """The process id of the run's engine if it is alive on this machine."""
    try:
        about = json_object(read_regular(folder / "engine.json"))
        pid = int(about["pid"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    if about.get("host") != heartbeat_and_takeover.this_machine():
        return None
    started = _start_time(pid)
    return pid if started is not None and started == about.get("started") else None


def _start_time(pid: int) -> str | None:
    """The start time of a process, which tells reused process ids apart; None if it has ended.

    In kernel ticks; without /proc, in psutil's seconds since the epoch.
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
