"""What a task works with: the plan, the connection to Azure, its own corner of the journal, and whether to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.common.deadlines import AwakeDeadline
from tui.engine.journal.journal import Event, JournalWriter
from tui.engine.resume_state import Begun, Shift
from tui.engine.time_limits import limit

RUN_TAG = "aml-deploy-run"  # on what a run makes in Azure; its value is the run's id
USER_TAG = "aml-deploy-by"  # beside it: who started the run, as user@host

if TYPE_CHECKING:
    from tui.cloud.session import Cloud
    from tui.plan.model import Plan


class Stopped(Exception):
    """The run was asked to stop while a task was under way."""


@dataclass
class Run:
    """What all tasks of a run share.

    `created` lists what this run made, as (kind, name), in order; `begun` is what an earlier engine of it had begun,
    by task; `shift` is what the run has done to the split of the requests; `time` is what is left of `limits.total`.
    """

    plan: Plan
    cloud: Cloud
    journal: JournalWriter
    folder: Path
    stop: threading.Event = field(default_factory=threading.Event)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: list[tuple[str, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    begun: dict[str, Begun] = field(default_factory=dict)
    shift: Shift | None = None
    time: AwakeDeadline | None = None

    def result(self, task: str, key: str) -> Any:
        """What an earlier task found or made; None where it has not."""
        return self.results.get(task, {}).get(key)


@dataclass(frozen=True)
class Outcome:
    """How a task ended well: `skipped` when there was nothing to do; `result` goes into the journal."""

    detail: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    skipped: bool = False


def journal_stuck(run: Run) -> Exception:
    """The CloudError for a journal that cannot be written."""
    from tui.cloud.errors import CloudError

    return CloudError(
        title="The run's journal cannot be written",
        cause=f"{run.folder} takes no file; its disk may be full. Without a note nothing is changed in Azure.",
        remedy="Make room, then apply the plan again: what is done is not done twice.",
        code="JournalNotWritable",
    )


class TaskContext:
    """A task's way to say what it does. Safe to call from several threads; after its end it says nothing any more."""

    def __init__(self, run: Run, name: str, deployment: str | None = None) -> None:
        """`deployment` is the one of the plan's deployments that the task is about."""
        self.run = run
        self.name = name
        self.plan = run.plan.of(deployment)
        self.cloud = run.cloud.for_plan(self.plan) if deployment else run.cloud
        self.started = False
        self.asking = False  # whether Azure was just asked to change something, and has not answered yet
        self._ended = False
        self._begun = time.monotonic()
        self._lock = threading.RLock()

    @property
    def kind(self) -> str:
        """The task's name without that of its deployment."""
        return self.name.partition(":")[0]

    def result(self, kind: str, key: str) -> Any:
        """What a task that this one needs found or made, for the same deployment where there are several."""
        own = f"{kind}:{self.plan.deployment.name}"
        return self.run.result(own if own in self.run.results else kind, key)

    def limit(self, name: str) -> float:
        """The seconds of a limit: a key of `limits:`."""
        return limit(self.plan, name)

    def start(self, action: str, detail: str = "") -> None:
        """Say what will be done: `action` is create, change, skip or read."""
        with self._lock:
            if not self.started:
                self.started = True
                self._emit("task_started", action=action, detail=detail)

    def log(self, line: str, source: str = "engine") -> None:
        """Log a line: source is engine, build, container, storage-initializer or service."""
        self._emit("task_log", line=line, source=source)

    def progress(self, done: int, total: int, unit: str = "bytes") -> None:
        """Say how far the task is."""
        self._emit("task_progress", done=done, total=total, unit=unit)

    def retrying(self, reason: str, delay: float) -> None:
        """Say that something is tried again after `delay` seconds, and why."""
        self._emit("task_retrying", reason=reason, delay=round(delay, 1))

    def intend(self, operation: str, resource_id: str) -> None:
        """Write down what is about to be done to a resource: create, change or register.

        Raises CloudError when that cannot be written: what is not known would be done twice after an interruption.
        """
        noted = self._emit("task_intent", operation=operation, resource_id=resource_id)
        if self.run.journal.written < noted.get("seq", 0):
            raise journal_stuck(self.run)

    def began(self, resource_id: str, started: Mapping[str, str]) -> None:
        """Write down the header by which Azure names the operation that it has begun."""
        for header, url in started.items():
            self._emit("task_operation", resource_id=resource_id, header=header, url=url)

    def shifting(self, before: Mapping[str, int], after: Mapping[str, int], why: str, **more: Any) -> None:
        """Write down that the split of the requests is about to change, and the one from before the run."""
        known = self.run.shift
        first = dict(known.before) if known else dict(before)
        self.run.shift = Shift(first, dict(after), bool(more.get("back")), why)
        self._emit("traffic_shift", before=first, after=dict(after), why=why, **more)

    def watched(self, **figures: Any) -> None:
        """Say what was measured while a deployment takes over the requests."""
        self._emit("rollout_watch", **figures)

    def created(self, kind: str, name: str) -> None:
        """Remember that this run made something, for what is said or cleaned up when it stops."""
        if (kind, name) not in self.run.created:
            self.run.created.append((kind, name))
        self._emit("task_created", kind=kind, name=name)

    def finish(self, status: str, outcome: Outcome) -> bool:
        """Say how the task ended; False when that was said before."""
        with self._lock:
            if self._ended:
                return False
            self.start("skip" if status == "skipped" else "read")
            self._emit(
                "task_finished",
                status=status,
                seconds=round(time.monotonic() - self._begun, 3),
                detail=outcome.detail,
                result=outcome.result,
            )
            self._ended = True
            return True

    def _emit(self, event: str, **fields: Any) -> Event:
        with self._lock:
            return {} if self._ended else self.run.journal.emit(event, task=self.name, **fields)

    def check_stop(self) -> None:
        """Raise Stopped when the run was asked to stop."""
        if self.run.stop.is_set():
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait, unless the run is asked to stop: then raise Stopped at once."""
        if self.run.stop.wait(seconds):
            raise Stopped
