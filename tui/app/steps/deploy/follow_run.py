"""Follows a run: reads its journal in the background and builds snapshots for the screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from tui.app.state.background import in_thread
from tui.app.steps.deploy.azure_requests import AzureRequests
from tui.engine.journal.run_view import RunView, seconds_of
from tui.engine.journal.runs import Run
from tui.engine.journal.usual_times import Times, earlier, usual

ENDED = ("succeeded", "failed", "blocked", "cancelled")
KEPT_LINES = 50_000  # log lines kept in memory; the journal has them all
TRIM_AT = 60_000


@dataclass(frozen=True)
class RunSnapshot:
    """The state of a run at one moment.

    `alive` says whether its engine is running on this machine; `heard` is the time of the last event, in seconds since
    the epoch. `azure_requests` has what `view` does not contain, `dropped` counts log lines that are only in the
    journal, because there were too many.
    """

    view: RunView
    alive: bool = True
    heard: float = 0.0
    azure_requests: AzureRequests = field(default_factory=AzureRequests)
    dropped: int = 0

    @property
    def ended(self) -> bool:
        """Whether the run has finished."""
        return self.view.status in ENDED

    @property
    def interrupted(self) -> bool:
        """Whether the run stopped without finishing: its engine is no longer running."""
        return not self.ended and not self.alive

    @property
    def over(self) -> bool:
        """Whether the run has finished or is interrupted."""
        return self.ended or self.interrupted

    @property
    def state(self) -> str:
        """The status of the run, or "interrupted"."""
        return "interrupted" if self.interrupted else self.view.status

    @property
    def now(self) -> float:
        """The time up to which durations count: now while the engine is running, else that of the last event."""
        if self.ended and self.view.finished:
            return self.view.finished
        return time.time() if self.alive else self.heard

    def elapsed(self) -> float:
        """Return the seconds that the run's engines have worked."""
        return self.at(self.now) if self.view.started else max(self.now - self.heard, 0.0) if self.heard else 0.0

    def at(self, moment: float) -> float:
        """Convert a moment (seconds since the epoch) to seconds since the run's start, excluding its pauses."""
        return max(moment - (self.view.started or moment) - self.azure_requests.paused_before(moment), 0.0)


STARTING_SECONDS = 15.0  # a process that imports the SDK on a busy machine takes a while to report that it is alive


class RunFollower:
    """Reads a run's journal repeatedly, and keeps the latest RunSnapshot."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshot = RunSnapshot(RunView(), heard=seconds_of(run.started))
        self._starting_until = seconds_of(run.started) + STARTING_SECONDS
        self._earlier: list[Times] | None = None  # until the run has said in which workspace it is

    def restarted(self) -> None:
        """Note that the engine is being restarted, and allow it time before the run counts as interrupted."""
        self._starting_until = time.time() + STARTING_SECONDS
        view = replace(self.snapshot.view, status="starting", card=None, finished=None) if self.snapshot.ended else None
        self.snapshot = replace(self.snapshot, alive=True, view=view or self.snapshot.view)

    async def look(self) -> RunSnapshot | None:
        """Return a new snapshot if the journal has grown, else None; reads the file in a thread."""
        before = self.snapshot
        found = await in_thread(self._read, before)
        if found is None or self.snapshot is not before:  # the engine was restarted meanwhile
            return None
        self.snapshot = found
        return found

    def _read(self, before: RunSnapshot) -> RunSnapshot | None:
        # In this order: an engine that ends in between has already written its last event.
        alive = self.run.alive
        events = self.run.journal.read(before.view.seq)
        if alive:
            self._starting_until = 0.0
        elif time.time() < self._starting_until:
            alive = True
        if not events and alive == before.alive:
            return None
        azure_requests = before.azure_requests.after(events, before.heard)
        view, dropped = kept_short(before.view.fold_all(events), before.dropped)
        if self._earlier is None and view.workspace:
            self._earlier = earlier(self.run, view)
        if self._earlier:
            view = replace(view, tasks=tuple(replace(task, usual=usual(task, self._earlier)) for task in view.tasks))
        heard = seconds_of(events[-1]["time"]) if events else before.heard
        return RunSnapshot(view, alive, heard, azure_requests, dropped)


def kept_short(view: RunView, dropped: int) -> tuple[RunView, int]:
    """Return the view with only the newest log lines if there are very many, and the number of lines dropped."""
    if view.log_count <= TRIM_AT:
        return view, dropped
    surplus = view.log_count - KEPT_LINES
    # A new list: earlier snapshots are still on the screen.
    return replace(view, logs=view.logs[surplus : view.log_count], log_count=KEPT_LINES), dropped + surplus
