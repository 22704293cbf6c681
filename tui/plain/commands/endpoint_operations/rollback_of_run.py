"""Finds the runs that work on an endpoint, here or in this state folder, and asks one to roll its rollout back.

Changing the split directly would end that run with an error, as if somebody else had interfered.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tui.engine import start_stop
from tui.engine.journal import runs
from tui.engine.journal.runs import Run
from tui.plain.failure import Failure
from tui.plain.terminal import say
from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve

LONGEST = 900.0
"""Seconds; a change of traffic takes Azure seconds, or minutes at worst."""
_TICK = 0.1


def working(document: Document, environ: Mapping[str, str]) -> list[Run]:
    """The runs that work on the document's endpoint now, on this machine or in its state folder, newest first."""
    plan, rehearsed = resolve(document, environ, lenient=True), "REHEARSAL_SCENARIOS" in environ
    return [run for run in runs.runs() if run.works_on(plan.endpoint.name, vars(plan.workspace), rehearsed=rehearsed)]


def why_not_removed(document: Document, environ: Mapping[str, str]) -> str:
    """Why the document's endpoint must not be removed now: a run works on it; empty if none does."""
    for run in working(document, environ):
        return (
            f"Run {run.id} is working on {run.endpoint}; nothing was removed. Follow or stop it with: aml-deploy "
            f"attach {run.id}. Remove again when it has ended."
        )
    return ""


def warn_of_runs(document: Document, environ: Mapping[str, str], what: str) -> None:
    """Say which runs work on the endpoint while `what` is changed by hand."""
    for run in working(document, environ):
        say(f"Run {run.id} is working on {run.endpoint} while {what}. Follow it with: aml-deploy attach {run.id}")


def rolling_out(document: Document, environ: Mapping[str, str]) -> Run | None:
    """The run of a rollout in progress on the document's endpoint, or None."""
    for run in working(document, environ):
        events = run.journal.read()
        begun = next((event for event in events if event["event"] == "run_started"), {})
        if begun.get("rollout") and any(event["event"] in ("traffic_shift", "rollout_watch") for event in events):
            return run
    return None


def back(run: Run) -> tuple[dict[str, int], dict[str, int]]:
    """The split that a run of a rollout has set last, and the one from before it, in per cent by deployment."""
    shifts = [event for event in run.journal.read() if event["event"] == "traffic_shift"]
    return (shifts[-1]["after"], shifts[0]["before"]) if shifts else ({}, {})


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
