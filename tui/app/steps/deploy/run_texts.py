"""Texts about a run: the headline, its addresses, the details of a task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from textual.content import Content
from textual.style import Style

from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.steps.deploy.schedule import expected_seconds
from tui.app.steps.deploy.task_words import note, time_words, usual_words, what_of
from tui.app.steps.deploy.timeline import STATES, state_of
from tui.app.text import formatting
from tui.app.widgets.facts import Fact
from tui.engine.journal.run_view import RunView, TaskView
from tui.engine.journal.runs import Run
from tui.plan.traffic import bars

WORDS: dict[str, str] = {
    "starting": "▸ starting",
    "running": "▸ running",
    "succeeded": "✔ succeeded",
    "failed": "✖ failed",
    "blocked": "✖ blocked by the preflight",
    "cancelled": "✖ stopped",
    "interrupted": "! interrupted",
}
# The help about a run that has finished or is interrupted.
ENDED: dict[str, str] = {
    "succeeded": "The run has finished, and the endpoint is ready. Test sends it requests and shifts its traffic.",
    "failed": "The run has failed. Fix what the card names, then resume this run or start a new one; existing "
    "resources are reused.",
    "interrupted": "The engine of this run stopped before it was finished. Resume continues from what exists in Azure.",
}
ACTIONS = {
    "create": "creates it",
    "change": "changes it",
    "skip": "leaves it unchanged",
    "read": "only reads",
}


def headline(snapshot: RunSnapshot, run: Run | None) -> Content:
    """Return a run's state, time and names, in one line."""
    if run is None:
        return Content("Nothing has been deployed yet. Review shows the planned changes, and starts the run.")
    view = snapshot.view
    state = snapshot.state
    elapsed = formatting.running(snapshot.elapsed()) if not snapshot.ended else formatting.duration(snapshot.elapsed())
    usual = expected_seconds(view)
    typical = f" of ~{formatting.running(usual)}" if usual >= 1 and not snapshot.ended else ""
    where = f"{view.deployment or run.deployment} on {view.endpoint or run.endpoint}"
    rehearsed = " in rehearsal" if run.rehearsed else ""
    look = "" if state in ("running", "starting") else "$text-success" if state == "succeeded" else "$text-error"
    words = WORDS.get(state, state) + rehearsed
    return Content.assemble((words, f"bold {look}".strip()), f"  {elapsed}{typical}  {where}")


def links(view: RunView, known: str = "") -> Content:
    """Return the portal and scoring URI, one row each, as links for terminals that support them.

    `known` is the workspace's address in the portal, used until the run reports a more specific one.
    """
    rows = []
    portal = view.portal_url or known
    for name, url in (("Portal", portal), ("Scoring", view.scoring_uri if view.status == "succeeded" else "")):
        if url:
            # Anyone can open the rehearsal's page with its address: link and copy it, but do not display it.
            page = url.startswith("https://localhost:")  # replaces the portal there
            shown = "the rehearsal's page on this machine (^y copies the address)" if page else url
            rows.append(Content.assemble((f"{name:9}", "$text-muted"), (shown, Style(link=url, underline=True))))
    if view.golden and view.finished:
        rows.append(Content.assemble(("Golden   ", "$text-muted"), formatting.plain(view.golden)))
    if view.test and view.finished:
        latency = view.test.get("latency_ms")
        took = f" in {latency:,.0f} ms" if isinstance(latency, (int, float)) else ""
        by = f", served by {view.test['deployment']}" if view.test.get("deployment") else ""
        answer = formatting.plain(str(view.test.get("response", "")))
        rows.append(
            Content.assemble(("Test     ", "$text-muted"), f"{view.test.get('status_code')}{took}{by}: {answer}")
        )
    if not rows:
        rows.append(Content.styled("Portal   the address appears once the workspace is read", "$text-muted"))
    return Content("\n").join(rows)


def rollout_rows(view: RunView) -> Content:
    """Describe a rollout in progress: the traffic split, what is monitored, the next step; empty otherwise."""
    rollout = view.rollout
    if rollout is None or not rollout.began or view.task("rollout").status != "running":
        return Content()
    going = f"{rollout.step_words}: " if not rollout.back else ""
    rows = (
        ("Now", f"{going}traffic: {bars(rollout.traffic, 50)}"),
        ("Monitor", rollout.why if rollout.back else rollout.watched_words),
        ("Next", rollout.next_words),
    )
    return Content("\n").join(Content.assemble((f"{name:9}", "$text-muted"), text) for name, text in rows)


def addresses(view: RunView, run: Run | None) -> str:
    """Return the addresses of a run, one per line."""
    rows = (
        ("Portal", view.portal_url),
        ("Scoring URI", view.scoring_uri),
        ("Run", run.id if run else ""),
        ("Attach", f"aml-deploy attach {run.id}" if run else ""),
        ("Engine log", view.log_path),
    )
    return "".join(f"{name}: {value}\n" for name, value in rows if value)


def task_rows(task: TaskView, snapshot: RunSnapshot) -> list[Fact]:
    """Return all details of a task: its state, purpose, times, dependencies, results, requests."""
    state = state_of(task, snapshot)
    symbol, word, _ = STATES[state]
    spent = time_words(task, snapshot.now, usual=True)
    rows = [Fact("", "State", f"{symbol} {word}{f', {spent}' if spent else ''}")]
    if usual := usual_words(task):
        rows.append(Fact("", "Usual", usual))
    rows.append(Fact("", "Purpose", what_of(task.name) or "A task of the engine."))
    if task.action:
        rows.append(Fact("", "Action", ACTIONS.get(task.action, task.action)))
    if task.detail:
        rows.append(Fact("", "Result" if task.seconds is not None else "Detail", formatting.plain(task.detail)))
    said = note(task, snapshot.now)
    if task.status == "running" and said and said != formatting.plain(task.detail):
        rows.append(Fact("", "Now", said))
    if task.started:
        rows.append(Fact("", "Started", f"{datetime.fromtimestamp(task.started):%Y-%m-%d %H:%M:%S}, local time"))
    if task.needs:
        rows.append(Fact("", "Waits for", ", ".join(task.needs)))
    following = [other.name for other in snapshot.view.tasks if task.name in other.needs]
    if following:
        rows.append(Fact("", "Needed by", ", ".join(following)))
    attempts, retries = (getattr(snapshot.azure_requests, what).get(task.name, 0) for what in ("attempts", "retries"))
    if attempts > 1:
        rows.append(Fact("", "Attempts", f"{attempts}, the last one is shown"))
    if retries:
        rows.append(Fact("", "Retried", formatting.count(retries, "request") + " that failed in Azure"))
    rows += [Fact("", name, value) for name, value in _results(task.result)]
    rows += [Fact("", "Azure", line) for line in snapshot.azure_requests.asked.get(task.name, ())]
    return rows


def _results(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the results of a task by name; structures as JSON."""
    found = []
    for name, value in result.items():
        if value in (None, "", [], {}):
            continue
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        found.append((name.replace("_", " "), formatting.plain(text)))
    return found


def rows_text(rows: Sequence[Fact]) -> str:
    """Return the rows as plain text."""
    return "".join(f"{row.name}: {row.text}\n" for row in rows)
