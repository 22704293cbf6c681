"""Rolls back a rollout in progress, on this machine or in its state folder, by asking its run to do it.

Changing the split directly would end that run with an error, as if somebody else had interfered.
"""

from __future__ import annotations

import time
from typing import Any

from tui.engine import start_stop
from tui.engine.journal import runs
from tui.engine.journal.runs import Run
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document
from tui.rehearsal_client import WORKSPACE

LONGEST = 900.0
"""Seconds; a change of traffic takes Azure seconds, or minutes at worst."""
_TICK = 0.1


def rolling_out(document: Document, *, rehearsed: bool) -> Run | None:
    """The run of a rollout in progress on the document's endpoint, or None."""
    name = str(document.value("endpoint.name"))
    for run in runs.runs():
        if (run.endpoint, run.rehearsed) != (name, rehearsed) or not run.alive:
            continue
        events = run.journal.read()
        begun = next((event for event in events if event["event"] == "run_started"), {})
        if not _same_workspace(document, begun.get("workspace") or {}):
            continue
        shifting = any(event["event"] in ("traffic_shift", "rollout_watch") for event in events)
        if begun.get("rollout") and shifting and not any(event["event"] == "run_finished" for event in events):
            return run
    return None


def _same_workspace(document: Document, place: dict[str, Any]) -> bool:
    """Whether document and run agree in all workspace values that both have; references are ignored."""
    for key in WORKSPACE:
        ours, theirs = str(document.value(key) or ""), str(place.get(key.partition(".")[2]) or "")
        if ours and theirs and "${" not in ours and ours.casefold() != theirs.casefold():
            return False
    return True


def roll_back_run(run: Run) -> dict[str, Any]:
    """Ask the run to roll back and wait for it. Raises Failure if it ends otherwise.

    The result is that of a rollback: endpoint, and per cent by deployment before and after.
    """
    known = [event for event in run.journal.read() if event["event"] == "traffic_shift"]
    if not start_stop.roll_back(run):
        raise Failure(f"Run {run.id} has just ended. Try again: aml-deploy rollback {run.endpoint}")
    end = time.monotonic() + LONGEST
    while not run.journal.finished() and time.monotonic() < end:
        time.sleep(_TICK)
    shifts = [event for event in run.journal.read() if event["event"] == "traffic_shift"]
    if not (shifts and shifts[-1].get("back")):
        raise Failure(
            f"Run {run.id} did not roll back: its status is {run.status}. Details: aml-deploy attach {run.id}"
        )
    before = known[-1]["after"] if known else shifts[-1]["before"]
    return {"endpoint": run.endpoint, "before": before, "after": shifts[-1]["after"], "run": run.id}
