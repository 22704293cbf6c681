"""Builds the card of a run that needs attention: failed, blocked, stopped or interrupted."""

from __future__ import annotations

from typing import Any

from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.widgets.card import Card
from tui.engine.journal.run_view import RunView

ROLLED_BACK = "RolledBack"  # the card code of a rollout that was rolled back


def card_of(snapshot: RunSnapshot, state: str) -> Card | None:
    """Return the card for a run's state ("interrupted", or a status of RunView); None if no attention is needed."""
    view = snapshot.view
    if state == "interrupted":
        return Card(
            title="The engine of this run is no longer running here.",
            cause="The machine was restarted, or the process was stopped. Operations in progress continue in Azure.",
            remedy="Resume the run: it reads what exists and completes the rest.",
            raw=f"Engine log: {view.log_path}" if view.log_path else "",
        )
    if state == "blocked":
        return _blocked(view)
    if view.card:
        shown = dict(view.card)
        if view.left_behind:
            # On a separate line: the text before it may end with a command.
            shown["remedy"] = f"{shown.get('remedy') or ''}\nRemaining in Azure: {', '.join(view.left_behind)}.".strip()
        return Card.of(shown, str(shown.get("task") or ""))
    if state == "cancelled":
        left = ", ".join(view.left_behind)
        return Card(
            title=view.message or "The run was stopped.",
            cause=f"Remaining in Azure: {left}." if left else "Nothing that it created remains in Azure.",
            remedy="Run again: existing resources are reused.",
            step="review",
        )
    if state == "failed":
        return Card(
            title=view.message or "The run failed.",
            remedy=f"See the engine log: {view.log_path}" if view.log_path else "",
        )
    return None


def retry_label(snapshot: RunSnapshot, state: str) -> str:
    """Return the label of the button that resumes this run; empty if only a new run makes sense."""
    if state == "interrupted":
        return "Resume the run"
    if state == "cancelled":
        return "Resume"
    if state == "failed" and (snapshot.view.card or {}).get("code") == ROLLED_BACK:
        return ""  # the rollback has restored the initial state; only a new run tries again
    if state == "failed":
        failed = next((task.name for task in snapshot.view.tasks if task.status == "failed"), "")
        return f"Retry {failed}" if failed else "Retry"
    return ""


def _blocked(view: RunView) -> Card | None:
    """Build a card from the first blocker; its cause lists the others."""
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
        shown["cause"] = f"{shown.get('cause') or ''} Other blockers: {' '.join(others)}".strip()
    return Card.of(shown, str(shown.get("task") or "workspace"))
