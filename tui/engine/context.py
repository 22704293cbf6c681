"""What a task works with: the plan, the connection to Azure, its own corner of the journal, and whether to stop."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.engine.journal import JournalWriter

if TYPE_CHECKING:
    from tui.cloud.session import Cloud
    from tui.plan.model import Plan


class Stopped(Exception):
    """The run was asked to stop while a task was under way."""


@dataclass
class Run:
    """What all tasks of a run share. `created` lists what this run made, as (kind, name), in order."""

    plan: Plan
    cloud: Cloud
    journal: JournalWriter
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[tuple[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def result(self, task: str, key: str) -> Any:
        """What an earlier task found or made; None where it has not."""
        return self.results.get(task, {}).get(key)


@dataclass(frozen=True)
class Outcome:
    """How a task ended well: `skipped` when there was nothing to do; `result` goes into the journal."""

    detail: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    skipped: bool = False


class TaskContext:
    """A task's way to say what it does."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.started = False

    @property
    def plan(self) -> Plan:
        """The plan of the run."""
        return self.run.plan

    @property
    def cloud(self) -> Cloud:
        """The connection of the run."""
        return self.run.cloud

    def start(self, action: str, detail: str = "") -> None:
        """Say what will be done: `action` is create, change, skip or read."""
        if not self.started:
            self.started = True
            self.run.journal.emit("task_started", task=self.name, action=action, detail=detail)

    def log(self, line: str, source: str = "engine") -> None:
        """Log a line: source is engine, build, container, storage-initializer or service."""
        self.run.journal.emit("task_log", task=self.name, line=line, source=source)

    def progress(self, done: int, total: int, unit: str = "bytes") -> None:
        """Say how far the task is."""
        self.run.journal.emit("task_progress", task=self.name, done=done, total=total, unit=unit)

    def retrying(self, reason: str, delay: float) -> None:
        """Say that something is tried again after `delay` seconds, and why."""
        self.run.journal.emit("task_retrying", task=self.name, reason=reason, delay=round(delay, 1))

    def created(self, kind: str, name: str) -> None:
        """Remember that this run made something, for what is said or cleaned up when it stops."""
        self.run.created.append((kind, name))

    def check_stop(self) -> None:
        """Raise Stopped when the run was asked to stop."""
        if self.run.stop.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is asked to stop: then raise Stopped at once."""
        if self.run.stop.wait(seconds):
            raise Stopped
