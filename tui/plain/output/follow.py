"""Follows a run's journal to its end, for the line output."""

from __future__ import annotations

import time
from typing import Any, Callable

from tui.engine.journal.journal import Event
from tui.engine.journal.runs import Run
from tui.plain.signals import Signals

LOOK_SECONDS = 0.1
FIRST_SIGN_SECONDS = 20
"""How long a new engine may take to show that it is alive."""

EXIT_CODES = {"succeeded": 0, "failed": 1, "blocked": 3, "cancelled": 130}

FINISHED = "finished"
DETACHED = "detached"
GONE = "gone"
LEFT = "left"
STARTED = "started"


def follow(
    run: Run,
    show: Callable[[Event], None],
    signals: Signals,
    *,
    starting: bool,
    only_start: bool = False,
    stop: Callable[[], Any] | None = None,
    stopping: Callable[[], None] = lambda: None,
) -> tuple[str, Event | None]:
    """Show every event from the first one until the run ends; return how following ended, and the last event.

    "finished": with `run_finished`. "detached": after SIGHUP, or a stop signal without `stop`. "gone": the
    engine ended without finishing the run. "left": after a second stop signal. "started": with `only_start`, after the
    event that the run has started or cannot start.

    The first stop signal calls `stopping()` once and `stop()` until it returns True. `starting` means that an engine
    has just been started and need not be alive yet.
    """
    before = run.journal.last() if starting else None
    known = int(before["seq"]) if before else 0
    last: Event | None = None
    seen = 0
    lived = not starting
    announced = asked = False
    deadline = time.monotonic() + FIRST_SIGN_SECONDS
    while True:
        alive = (
            run.alive
        )  # checked before reading, so that everything that an engine wrote before it ended is read below
        events = run.journal.read(after=seen)
        for event in events:
            seen, last = int(event["seq"]), event
            show(event)
            if only_start and event.get("event") in ("run_started", "run_finished"):
                return STARTED, last
        if last is not None and last.get("event") == "run_finished" and seen > known:
            return FINISHED, last
        if not alive and not events and (lived or time.monotonic() > deadline):
            return GONE, last
        lived = lived or alive or seen > known
        if signals.hung_up or (signals.stops and stop is None):
            return DETACHED, last
        if signals.stops and not announced:
            announced, signals.stops = True, 1
            stopping()
        if signals.stops > 1:
            return LEFT, last
        if announced and not asked and stop is not None:
            asked = bool(stop())
        time.sleep(LOOK_SECONDS)
