"""The state of a run after some of its events: an immutable snapshot that screens render."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Callable, NamedTuple

from tui.engine.journal.journal import Event
from tui.engine.rollout.rollout_view import RolloutView

TASKS = ("sign-in", "workspace", "endpoint", "model", "code", "environment", "deployment", "traffic", "test")

SLOW, SLOW_SECONDS = 1.25, 5.0  # times the median, or so much more, are no news


class LogLine(NamedTuple):
    """A line that a task logged: `source` is engine, build, container, storage-initializer or service."""

    task: str
    source: str
    line: str
    time: str


class Usual(NamedTuple):
    """What a task took in earlier runs of the endpoint: the median, the least and the most seconds, of so many."""

    seconds: float
    least: float
    most: float
    number: int


@dataclass(frozen=True)
class TaskView:
    """The state of a task; times are seconds since the epoch, `seconds` is the duration of an ended task.

    `typical_seconds` is what it takes on Azure in general, `usual` what it took in earlier runs, if that is known.
    """

    name: str
    needs: tuple[str, ...] = ()
    status: str = "waiting"
    action: str = ""
    detail: str = ""
    started: float | None = None
    seconds: float | None = None
    done: int | None = None
    total: int | None = None
    unit: str = ""
    last_line: str = ""
    retrying: str = ""
    typical_seconds: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    usual: Usual | None = None

    @property
    def expected_seconds(self) -> float:
        """The seconds that it will probably take; 0 if unknown."""
        return self.usual.seconds if self.usual else self.typical_seconds or 0.0

    def slow(self, seconds: float) -> bool:
        """Whether so many seconds are longer than in the earlier runs, by more than chance."""
        of = self.usual
        return of is not None and seconds > max(of.most, of.seconds * SLOW, of.seconds + SLOW_SECONDS)


@dataclass(frozen=True)
class RunView:
    """The state of a run. `status` is starting, running, succeeded, failed, blocked or cancelled.

    `logs` is shared between snapshots and only grows; `log_count` is the number of lines that belong to this snapshot.
    """

    run: str = ""
    seq: int = 0
    status: str = "starting"
    endpoint: str = ""
    deployment: str = ""
    workspace: dict[str, str] = field(default_factory=dict)
    principal: str = ""
    rehearsed: bool = False
    scoring_uri: str = ""
    portal_url: str = ""
    log_path: str = ""
    started: float | None = None
    finished: float | None = None
    tasks: tuple[TaskView, ...] = ()
    logs: list[LogLine] = field(default_factory=list)
    log_count: int = 0
    findings: tuple[Event, ...] = ()
    card: dict[str, Any] | None = None
    test: dict[str, Any] | None = None
    message: str = ""
    left_behind: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()
    rollout: RolloutView | None = None

    @property
    def rolling_out(self) -> bool:
        """Whether a rollout is in progress and can be rolled back."""
        shifting = self.rollout is not None and self.rollout.began and not self.rollout.back
        return shifting and self.task("rollout").status == "running"

    @property
    def golden(self) -> str:
        """What came of the golden requests, in words; empty if none were sent, or one failed, which is the card's."""
        return ", ".join(task.detail for task in self.tasks if task.result.get("golden"))

    def task(self, name: str) -> TaskView:
        """The task of that name; a waiting one if the run has none."""
        return next((task for task in self.tasks if task.name == name), TaskView(name))

    def fold(self, event: Event) -> RunView:
        """The snapshot after one more event. Unknown kinds of events change nothing."""
        handler = _HANDLERS.get(event.get("event", ""))
        view = handler(self, event) if handler else self
        return replace(view, seq=event.get("seq", self.seq))

    def fold_all(self, events: Iterable[Event]) -> RunView:
        """The snapshot after several more events."""
        view, lines = self, []
        for event in events:
            if event.get("event") == "task_log":
                lines.append(event)
                continue
            view = view._with_lines(lines).fold(event)
            lines = []
        return view._with_lines(lines)

    def _with_lines(self, events: list[Event]) -> RunView:
        """The snapshot after consecutive log lines: one snapshot for thousands of lines."""
        if not events:
            return self
        last: dict[str, str] = {}
        for event in events:
            line = LogLine(event["task"], event.get("source", ""), event.get("line", ""), event["time"])
            self.logs.append(line)
            if line.line.strip():
                last[line.task] = line.line
        tasks = tuple(replace(task, last_line=last.get(task.name, task.last_line)) for task in self.tasks)
        return replace(self, tasks=tasks, log_count=len(self.logs), seq=events[-1].get("seq", self.seq))

    def _with_task(self, name: str, **changes: Any) -> RunView:
        changed = tuple(replace(task, **changes) if task.name == name else task for task in self.tasks)
        return replace(self, tasks=changed)


def seconds_of(time: str) -> float:
    """An event's time as seconds since the epoch."""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def _run_started(view: RunView, event: Event) -> RunView:
    tasks = tuple(
        TaskView(task["name"], tuple(task.get("needs", ())), typical_seconds=task.get("typical_seconds"))
        for task in event.get("tasks", ())
    )
    planned = event.get("rollout")
    return replace(
        view, run=event["run"], status="running",
        rollout=RolloutView.of_plan(planned) if planned else None, endpoint=event.get("endpoint", ""),
        deployment=event.get("deployment", ""), deployments=tuple(event.get("deployments") or ()),
        workspace=event.get("workspace") or {},
        principal=event.get("principal", ""), rehearsed=bool(event.get("rehearsed")),
        log_path=event.get("log", ""), started=seconds_of(event["time"]), tasks=tasks,
    )  # fmt: skip


def _run_resumed(view: RunView, event: Event) -> RunView:
    tasks = tuple(
        replace(task, status="waiting", started=None, seconds=None)
        if task.status in ("running", "failed", "cancelled")
        else task
        for task in view.tasks
    )
    return replace(view, status="running", card=None, message="", finished=None, tasks=tasks)


def _task_started(view: RunView, event: Event) -> RunView:
    return view._with_task(
        event["task"], status="running", action=event.get("action", ""), detail=event.get("detail", ""),
        started=seconds_of(event["time"]), seconds=None, retrying="",
    )  # fmt: skip


def _task_progress(view: RunView, event: Event) -> RunView:
    changes = {key: event[key] for key in ("done", "total", "unit") if key in event}
    return view._with_task(event["task"], retrying="", **changes)


def _task_finished(view: RunView, event: Event) -> RunView:
    result = event.get("result") or {}
    view = view._with_task(
        event["task"], status=event.get("status", ""), seconds=event.get("seconds"), retrying="",
        detail=event.get("detail") or view.task(event["task"]).detail, result=result,
    )  # fmt: skip
    return replace(
        view,
        scoring_uri=result.get("scoring_uri") or view.scoring_uri,
        portal_url=result.get("portal_url") or view.portal_url,
        principal=result.get("principal") or view.principal,
    )


def _run_finished(view: RunView, event: Event) -> RunView:
    return replace(
        view, status=event.get("status", "failed"), finished=seconds_of(event["time"]),
        scoring_uri=event.get("scoring_uri") or view.scoring_uri,
        portal_url=event.get("portal_url") or view.portal_url, test=event.get("test"),
        message=event.get("message", ""), left_behind=tuple(event.get("left_behind") or ()),
    )  # fmt: skip


_HANDLERS: dict[str, Callable[[RunView, Event], RunView]] = {
    "run_started": _run_started,
    "run_resumed": _run_resumed,
    "finding": lambda view, event: replace(view, findings=(*view.findings, event)),
    "traffic_shift": lambda view, event: replace(view, rollout=(view.rollout or RolloutView()).shifted(event)),
    "rollout_watch": lambda view, event: replace(view, rollout=(view.rollout or RolloutView()).watched(event)),
    "task_started": _task_started,
    "task_progress": _task_progress,
    "task_log": lambda view, event: view._with_lines([event]),
    "task_retrying": lambda view, event: view._with_task(event["task"], retrying=event.get("reason", "")),
    "task_finished": _task_finished,
    "needs_attention": lambda view, event: replace(
        view, card={"task": event.get("task", ""), **(event.get("card") or {})}
    ),
    "run_finished": _run_finished,
}
