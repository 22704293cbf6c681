"""Following a run: its journal is read in the background and folded into a snapshot for the screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from tui.app.state.background import in_thread
from tui.app.steps.deploy.azure_requests import AzureRequests
from tui.engine.journal.run_view import RunView, seconds_of
from tui.engine.journal.runs import Run

ENDED = ("succeeded", "failed", "blocked", "cancelled")
KEPT_LINES = 50_000  # of the log in memory; the journal has them all
TRIM_AT = 60_000


@dataclass(frozen=True)
class RunSnapshot:
    """What is known of a run at one moment.

    `alive` says whether its engine works on this machine; `heard` is the time of the last event, in seconds since
    the epoch. `azure_requests` has what the snapshot does not keep, `dropped` counts log lines that are in the journal
    only, because there were too many.
    """

    view: RunView
    alive: bool = True
    heard: float = 0.0
    azure_requests: AzureRequests = field(default_factory=AzureRequests)
    dropped: int = 0

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end."""
        return self.view.status in ENDED

    @property
    def interrupted(self) -> bool:
        """Whether the run stopped without an end: its engine is gone."""
        return not self.ended and not self.alive

    @property
    def over(self) -> bool:
        """Whether nothing goes on any more."""
        return self.ended or self.interrupted

    @property
    def state(self) -> str:
        """The status of the run, or "interrupted"."""
        return "interrupted" if self.interrupted else self.view.status

    @property
    def now(self) -> float:
        """The moment up to which times are counted: now while the engine works, else the last it was heard of."""
        if self.ended and self.view.finished:
            return self.view.finished
        return time.time() if self.alive else self.heard

    def elapsed(self) -> float:
        """Seconds that engines of the run have worked."""
        return self.at(self.now) if self.view.started else 0.0

    def at(self, moment: float) -> float:
        """Where a moment (seconds since the epoch) lies on the run's axis: seconds since its beginning, without the
        pauses in which no engine worked on it."""
        return max(moment - (self.view.started or moment) - self.azure_requests.paused_before(moment), 0.0)


STARTING_SECONDS = 15.0  # a process that imports the SDK on a busy machine needs a while to say that it lives


class RunFollower:
    """Reads one run's journal again and again, and remembers the newest RunSnapshot."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshot = RunSnapshot(RunView())
        self._starting_until = seconds_of(run.started) + STARTING_SECONDS

    def restarted(self) -> None:
        """The engine is being started again: give it a moment before it counts as gone."""
        self._starting_until = time.time() + STARTING_SECONDS
        view = replace(self.snapshot.view, status="starting", card=None, finished=None) if self.snapshot.ended else None
        self.snapshot = replace(self.snapshot, alive=True, view=view or self.snapshot.view)

    async def look(self) -> RunSnapshot | None:
        """What has come since the last look, or None; file reading and folding happen in a thread."""
        before = self.snapshot
        found = await in_thread(self._read, before)
        if found is None or self.snapshot is not before:  # the engine was started again meanwhile
            return None
        self.snapshot = found
        return found

    def _read(self, before: RunSnapshot) -> RunSnapshot | None:
        # In this order: an engine that ends in between has written its last event before.
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
        heard = seconds_of(events[-1]["time"]) if events else before.heard
        return RunSnapshot(view, alive, heard, azure_requests, dropped)


def kept_short(view: RunView, dropped: int) -> tuple[RunView, int]:
    """The snapshot with the newest lines of its log only, once there are very many; and how many are left out."""
    if view.log_count <= TRIM_AT:
        return view, dropped
    surplus = view.log_count - KEPT_LINES
    # A list of its own: earlier snapshots are still on the screen.
    return replace(view, logs=view.logs[surplus : view.log_count], log_count=KEPT_LINES), dropped + surplus
