"""The card of a run that needs somebody: failed, blocked, stopped or interrupted."""

from __future__ import annotations

from typing import Any

from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.widgets.card import Card
from tui.engine.journal.run_view import RunView

ROLLED_BACK = "RolledBack"  # the code of the card of a rollout that was taken back


def card_of(snapshot: RunSnapshot, state: str) -> Card | None:
    """The card for a run in a state ("interrupted", or a status of RunView); None where nothing is needed."""
    view = snapshot.view
    if state == "interrupted":
        return Card(
            title="The engine of this run is no longer running here.",
            cause="The machine was restarted, or the process was ended. What Azure has begun goes on there.",
            remedy="Go on with the run: it reads what exists and does what is left.",
            raw=f"The engine's log: {view.log_path}" if view.log_path else "",
        )
    if state == "blocked":
        return _blocked(view)
    if view.card:
        shown = dict(view.card)
        if view.left_behind:
            # On a line of its own: what stands before it may be a command.
            shown["remedy"] = f"{shown.get('remedy') or ''}\nLeft in Azure: {', '.join(view.left_behind)}.".strip()
        return Card.of(shown, str(shown.get("task") or ""))
    if state == "cancelled":
        left = ", ".join(view.left_behind)
        return Card(
            title=view.message or "The run was stopped.",
            cause=f"Left in Azure: {left}." if left else "Nothing that it made is left in Azure.",
            remedy="Run again: what exists is taken as it is.",
            step="review",
        )
    if state == "failed":
        return Card(
            title=view.message or "The run failed.",
            remedy=f"The engine's log says more: {view.log_path}" if view.log_path else "",
        )
    return None


def retry_label(snapshot: RunSnapshot, state: str) -> str:
    """What the button is called that goes on with this run; empty where only a new one makes sense."""
    if state == "interrupted":
        return "Go on with the run"
    if state == "cancelled":
        return "Go on with it"
    if state == "failed" and (snapshot.view.card or {}).get("code") == ROLLED_BACK:
        return ""  # this run has ended where it began; a new one tries again
    if state == "failed":
        failed = next((task.name for task in snapshot.view.tasks if task.status == "failed"), "")
        return f"Retry {failed}" if failed else "Retry"
    return ""


def _blocked(view: RunView) -> Card | None:
    """The first blocker as a card, the others named below it."""
    blockers = [item for item in view.findings if item.get("severity") == "blocker"]
    if not blockers and not view.card:
        return Card(title=view.message or "The preflight blocked the run.", step="review")
    first = blockers[0] if blockers else {}
    shown: dict[str, Any] = {
        "title": f"Nothing was created: {first.get('message', '')}",
        "remedy": first.get("remedy", ""),
        "docs": first.get("docs", ""),
        "field": first.get("field"),
        **(view.card or {}),
    }
    others = [f"{item.get('message', '')} {item.get('remedy', '')}".strip() for item in blockers[1:]]
    if others:
        shown["cause"] = f"{shown.get('cause') or ''} Also in the way: {' '.join(others)}".strip()
    return Card.of(shown, str(shown.get("task") or "workspace"))
