"""Following a run: its journal is read in the background and folded into a snapshot for the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tui.app.background import in_thread
from tui.engine.runs import Run
from tui.engine.view import RunView, seconds_of

ENDED = ("succeeded", "failed", "blocked", "cancelled")


@dataclass(frozen=True)
class Sight:
    """What is known of a run at one moment.

    `alive` says whether its engine works on this machine; `heard` is the time of the last event, in seconds since
    the epoch; `first` is the number of events seen.
    """

    view: RunView
    alive: bool = True
    heard: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether the run has come to its end."""
        return self.view.status in ENDED

    @property
    def interrupted(self) -> bool:
        """Whether the run stopped without an end: its engine is gone."""
        return not self.ended and not self.alive

    @property
    def now(self) -> float:
        """The moment up to which times are counted: now while the engine works, else the last it was heard of."""
        if self.ended and self.view.finished:
            return self.view.finished
        return time.time() if self.alive else self.heard

    def elapsed(self) -> float:
        """Seconds since the run began."""
        return max(self.now - self.view.started, 0.0) if self.view.started else 0.0


STARTING_SECONDS = 15.0  # a process that imports the SDK on a busy machine needs a while to say that it lives


class RunFollower:
    """Reads one run's journal again and again, and remembers the newest Sight."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.sight = Sight(RunView())
        self._starting_until = seconds_of(run.started) + STARTING_SECONDS

    def restarted(self) -> None:
        """The engine is being started again: give it a moment before it counts as gone."""
        self._starting_until = time.time() + STARTING_SECONDS
        self.sight = replace(self.sight, alive=True)

    async def look(self) -> Sight | None:
        """What has come since the last look, or None; file reading and folding happen in a thread."""
        found = await in_thread(self._read)
        if found is not None:
            self.sight = found
        return found

    def _read(self) -> Sight | None:
        before = self.sight
        # In this order: an engine that ends in between has written its last event before.
        alive = self.run.alive
        events = self.run.journal.read(before.view.seq)
        if alive:
            self._starting_until = 0.0
        elif time.time() < self._starting_until:
            alive = True
        if not events and alive == before.alive:
            return None
        return Sight(before.view.fold_all(events), alive, last_time(events, before.heard))


def last_time(events: Sequence[dict[str, Any]], otherwise: float) -> float:
    """The time of the last event, in seconds since the epoch; `otherwise` where there is none."""
    return seconds_of(events[-1]["time"]) if events else otherwise
