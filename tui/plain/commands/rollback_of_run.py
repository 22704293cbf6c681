"""`aml-deploy rollback` while a rollout is under way on this machine or its state folder: the rollout goes back itself.

A change of the split from outside would end that run as one that somebody else has disturbed.
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
"""Seconds; a change of traffic takes Azure some seconds, minutes at worst."""
_TICK = 0.1


def rolling_out(document: Document, *, rehearsed: bool) -> Run | None:
    """The run that is shifting the requests of the document's endpoint to a new deployment right now."""
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
    """Whether nothing that both name is different; a reference in the document names nothing."""
    for key in WORKSPACE:
        ours, theirs = str(document.value(key) or ""), str(place.get(key.partition(".")[2]) or "")
        if ours and theirs and "${" not in ours and ours.casefold() != theirs.casefold():
            return False
    return True


def roll_back_run(run: Run) -> dict[str, Any]:
    """Ask the run to go back and wait until it has. Raises Failure when it has ended otherwise.

    The result is that of a rollback: endpoint, and the percent by deployment before and after.
    """
    known = [event for event in run.journal.read() if event["event"] == "traffic_shift"]
    if not start_stop.roll_back(run):
        raise Failure(f"The run {run.id} has ended in this moment. Ask once more: aml-deploy rollback {run.endpoint}")
    end = time.monotonic() + LONGEST
    while not run.journal.finished() and time.monotonic() < end:
        time.sleep(_TICK)
    shifts = [event for event in run.journal.read() if event["event"] == "traffic_shift"]
    if not (shifts and shifts[-1].get("back")):
        raise Failure(
            f"The run {run.id} did not go back: it is {run.status}. See what it did: aml-deploy attach {run.id}"
        )
    before = known[-1]["after"] if known else shifts[-1]["before"]
    return {"endpoint": run.endpoint, "before": before, "after": shifts[-1]["after"], "run": run.id}
