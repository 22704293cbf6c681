"""The interface between tasks and their run: plan, connection to Azure, journal, and requests to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.common.deadlines import AwakeDeadline, Question
from tui.common.redact import hide
from tui.engine.container_log import LogFollower
from tui.engine.journal.journal import Event, JournalWriter
from tui.engine.resume_state import Begun, Shift
from tui.engine.time_limits import limit

RUN_TAG = "aml-deploy-run"  # on resources that a run creates in Azure; its value is the run's id
NOT_WRITABLE = "JournalNotWritable"
TIME_LIMIT = "TimeLimit"
OF_THE_RUN = (NOT_WRITABLE, TIME_LIMIT)  # codes of failures of the run itself, which no check of the plan finds
USER_TAG = "aml-deploy-by"  # next to it: who started the run, as user@host

if TYPE_CHECKING:
    from tui.cloud.session import Cloud
    from tui.plan.model import Plan


class Stopped(Exception):
    """The run was asked to stop during a task."""


@dataclass
class Run:
    """The state that all tasks of a run share.

    `created` lists the resources that this run created, as (kind, name), in order; `begun` is what an earlier engine
    had started, by task; `shift` is the run's change of the traffic split; `time` is the rest of `limits.total`;
    `logs` is what is known of the logs, by deployment and container; `keeping` the keeping of the plan once begun;
    `took` is the action and the seconds of each task that succeeded.
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
    logs: dict[tuple[str, str], LogFollower] = field(default_factory=dict)
    keeping: Question[None] | None = None
    took: dict[str, tuple[str, float]] = field(default_factory=dict)

    def result(self, task: str, key: str) -> Any:
        """A result of an earlier task; None if there is none."""
        return self.results.get(task, {}).get(key)


@dataclass(frozen=True)
class Outcome:
    """The successful end of a task: `skipped` if there was nothing to do; `result` is written to the journal."""

    detail: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    skipped: bool = False


def journal_stuck(run: Run) -> Exception:
    """The CloudError for a journal that cannot be written."""
    from tui.cloud.errors import CloudError

    return CloudError(
        title="The run's journal cannot be written",
        cause=f"{run.folder} cannot be written; its disk may be full. Unrecorded changes are not made in Azure.",
        remedy=f"Free disk space, then resume the run: aml-deploy attach {run.journal.run}",
        code=NOT_WRITABLE,
    )


class TaskContext:
    """Reports a task to the journal. Safe to call from several threads; reports after the task's end are dropped."""

    def __init__(self, run: Run, name: str, deployment: str | None = None) -> None:
        """`deployment` is the deployment of the plan that the task belongs to."""
        self.run = run
        self.name = name
        self.plan = run.plan.of(deployment)
        self.cloud = run.cloud.for_plan(self.plan) if deployment else run.cloud
        self.action = ""  # what `start` has reported
        self.asking = False  # whether a request for a change was sent to Azure and is unanswered
        self.firm = False  # whether the task restores what it had promised to; a request to stop does not end it
        self._ended = False
        self._begun = time.monotonic()
        self._lock = threading.RLock()

    @property
    def kind(self) -> str:
        """The kind of the task: its name without the deployment."""
        return self.name.partition(":")[0]

    def result(self, kind: str, key: str) -> Any:
        """A result of a task that this one needs, for the same deployment if there are several."""
        own = f"{kind}:{self.plan.deployment.name}"
        return self.run.result(own if own in self.run.results else kind, key)

    def limit(self, name: str) -> float:
        """A limit in seconds; `name` is a key of `limits:`."""
        return limit(self.plan, name)

    def start(self, action: str, detail: str = "") -> None:
        """Report what will be done: `action` is create, change, skip or read; reading may lead to another one."""
        with self._lock:
            if self.action in ("", "read") and action != self.action:
                self.action = action
                self._emit("task_started", action=action, detail=detail)

    def log(self, line: str, source: str = "engine") -> None:
        """Log a line: source is engine, build, container, storage-initializer or service."""
        self._emit("task_log", line=line, source=source)

    def progress(self, done: int, total: int, unit: str = "bytes") -> None:
        """Report the task's progress."""
        self._emit("task_progress", done=done, total=total, unit=unit)

    def retrying(self, reason: str, delay: float) -> None:
        """Report a retry after `delay` seconds, and its reason."""
        self._emit("task_retrying", reason=reason, delay=round(delay, 1))

    def intend(self, operation: str, resource_id: str) -> None:
        """Record the operation that is about to start on a resource: create, change or register.

        Raises CloudError if it cannot be written, since it would be repeated after an interruption; a roll back may be.
        """
        noted = self._emit("task_intent", operation=operation, resource_id=resource_id)
        if self.run.journal.written < noted.get("seq", 0) and not self.firm:
            raise journal_stuck(self.run)

    def began(self, resource_id: str, started: Mapping[str, str]) -> None:
        """Record the header in which Azure names the operation that it has started.

        Its signature (`s=`, `h=`) is kept, since Azure may refuse an address without it. An address with a known secret
        in it is not recorded: after an interruption, the resource's own state is followed instead.
        """
        for header, url in started.items():
            if hide(url) == url:
                self._emit("task_operation", resource_id=resource_id, header=header, url=url)

    def shifting(self, before: Mapping[str, int], after: Mapping[str, int], why: str, **more: Any) -> None:
        """Record that the traffic split is about to change, and the split before the run; a roll back is `firm`."""
        self.firm = bool(more.get("back"))
        known = self.run.shift
        first = dict(known.before) if known else dict(before)
        self.run.shift = Shift(first, dict(after), bool(more.get("back")), why)
        self._emit("traffic_shift", before=first, after=dict(after), why=why, **more)

    def watched(self, **figures: Any) -> None:
        """Report measurements of a rollout."""
        self._emit("rollout_watch", **figures)

    def created(self, kind: str, name: str) -> None:
        """Record that this run created a resource, which is reported or removed if the run stops."""
        if (kind, name) not in self.run.created:
            self.run.created.append((kind, name))
        self._emit("task_created", kind=kind, name=name)

    def finish(self, status: str, outcome: Outcome) -> bool:
        """Report the task's end; False if it was reported before."""
        with self._lock:
            if self._ended:
                return False
            if not self.action:
                self.start("skip" if status == "skipped" else "read")
            seconds = round(time.monotonic() - self._begun, 3)
            if status == "succeeded":
                self.run.took[self.name] = (self.action, seconds)
            self._emit(
                "task_finished",
                status=status,
                seconds=seconds,
                detail=outcome.detail,
                result=outcome.result,
            )
            self._ended = True
            return True

    def _emit(self, event: str, **fields: Any) -> Event:
        with self._lock:
            return {} if self._ended else self.run.journal.emit(event, task=self.name, **fields)

    def check_stop(self) -> None:
        """Raise Stopped if the run was asked to stop, unless the task is `firm`."""
        if self.run.stop.is_set() and not self.firm:
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait; raise Stopped as soon as the run is asked to stop, unless the task is `firm`."""
        if self.firm:
            time.sleep(seconds)
        elif self.run.stop.wait(seconds):
            raise Stopped
