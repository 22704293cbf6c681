"""Formats the events of a run as lines of text."""

from __future__ import annotations

from typing import Any, Callable

from tui.engine.journal.journal import Event
from tui.engine.journal.run_view import RunView, seconds_of
from tui.engine.rollout.rollout_view import RolloutView
from tui.plain.commands.check import WORDS

PROGRESS_SECONDS = 3
"""The interval at which progress of a task is printed; a task's last line reports its end."""

ACTIONS = {"create": "creating", "change": "changing", "skip": "nothing to do", "read": "reading"}
QUIET_SOURCES = ("container", "storage-initializer")
"""Log sources whose lines are not printed; if something fails, the last of them are part of the result."""
WIDTH, WIDEST = 12, 32
"""Width of the column for the task's name: as wide as needed; names of deployments have up to 32 letters."""


ROLLOUT = "rollout"


class Lines:
    """Prints events with `write(line)` as they arrive; `view` is the run so far."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.view = RunView()
        self._write = write
        self._printed: dict[str, float] = {}
        self._width = WIDTH

    def show(self, event: Event) -> None:
        """Print an event; unknown kinds are ignored."""
        self.view = self.view.fold(event)
        handler = getattr(self, f"_{event.get('event', '')}", None)
        if handler:
            handler(event)

    def _line(self, event: Event, task: str, text: str) -> None:
        elapsed = seconds_of(event["time"]) - (self.view.started or seconds_of(event["time"]))
        self._write(f"{clock(elapsed):>6}  {task:<{self._width}} {text}".rstrip())

    def _run_started(self, event: Event) -> None:
        self._width = min(max([WIDTH, *(len(task.name) for task in self.view.tasks)]), WIDEST)
        where = (
            "in the rehearsal" if event.get("rehearsed") else f"in the workspace {self.view.workspace.get('name', '')}"
        )
        self._write(f"Run {event['run']}: {event.get('deployment')} behind {event.get('endpoint')}, {where}.")

    def _run_resumed(self, event: Event) -> None:
        self._line(event, "", "Resuming the run.")

    def _finding(self, event: Event) -> None:
        severity = event.get("severity", "")
        if severity in ("ok", "blocker"):  # blockers are shown in the result
            return
        self._line(event, "preflight", f"{WORDS.get(severity, severity)}: {event.get('message', '')}")
        if event.get("remedy"):
            self._line(event, "", str(event["remedy"]))

    def _task_started(self, event: Event) -> None:
        action = ACTIONS.get(event.get("action", ""), "started")
        detail = event.get("detail")
        self._line(event, event["task"], f"{action}: {detail}" if detail else action)

    def _task_progress(self, event: Event) -> None:
        if not self._due(event) or event["task"] == ROLLOUT:  # its steps are printed as they arrive
            return
        text = amount(event.get("done"), event.get("total"), event.get("unit", ""))
        if text:
            self._line(event, event["task"], text)

    def _due(self, event: Event, *, last: bool = False) -> bool:
        """Whether to print a task's progress: at intervals, but the last one always."""
        now = seconds_of(event["time"])
        if now - self._printed.get(event["task"], 0) < PROGRESS_SECONDS and not last:
            return False
        self._printed[event["task"]] = now
        return True

    def _task_log(self, event: Event) -> None:
        line = str(event.get("line", "")).rstrip()
        if line and event.get("source") not in QUIET_SOURCES:
            self._line(event, event["task"], f"| {line}")

    def _traffic_shift(self, event: Event) -> None:
        rollout = self.view.rollout or RolloutView()
        if event["task"] == ROLLOUT and not event.get("back"):  # the task traffic and a roll back report it themselves
            self._line(event, event["task"], f"shifting traffic to {rollout.split_words}")
        self._printed.pop(event["task"], None)

    def _rollout_watch(self, event: Event) -> None:
        rollout = self.view.rollout or RolloutView()
        if self._due(event, last=rollout.left == 0):
            left = f"; {rollout.left:.0f} s left" if rollout.left else ""
            self._line(event, event["task"], f"{rollout.step_words}: {rollout.watched_words}{left}")

    def _task_retrying(self, event: Event) -> None:
        delay = event.get("delay")
        again = f"; again in {delay:g} s" if isinstance(delay, (int, float)) else ""
        self._line(event, event["task"], f"retrying: {event.get('reason', '')}{again}")

    def _task_finished(self, event: Event) -> None:
        seconds = event.get("seconds")
        took = f" in {seconds:.1f} s" if isinstance(seconds, (int, float)) and event.get("status") != "skipped" else ""
        told_later = event.get("status") == "failed"
        detail = f": {event['detail']}" if event.get("detail") and not told_later else ""
        self._line(event, event["task"], f"{event.get('status', '')}{took}{detail}")


def clock(seconds: float) -> str:
    """A duration as minutes and seconds, 0:07; with hours from one hour on."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def amount(done: Any, total: Any, unit: str) -> str:
    """A task's progress as text, such as `4.2 of 12.6 MB`, `40 %` or `3 of 7`."""
    if not isinstance(done, (int, float)):
        return ""
    if unit == "percent":
        return f"{done:.0f} %"
    if unit == "bytes":
        scale, name = (1e6, "MB") if (total or done) >= 1e6 else (1e3, "kB")
        return f"{done / scale:.1f} of {total / scale:.1f} {name}" if total else f"{done / scale:.1f} {name}"
    return f"{done} of {total}" if total else f"{done}"
