"""Texts of the fleet. Contains no screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.common.cell_width import cut, wrap
from tui.helper import fleet_report as words
from tui.helper.diff_report import diff_lines
from tui.helper.troubleshoot_report import moment

Row = Mapping[str, Any]

HELP = (
    "All endpoints that this identity may see, in all its subscriptions and workspaces; requests, errors and p95 are "
    "those of the last hour. It refreshes by itself every 30 seconds, and every 5 minutes while another window has "
    "the focus; F5 reads everything again. * marks, for a minute or two, a cell that changed.\n\n"
    "Left and Right choose a column, and show those beyond the width; s sorts by it, and again the other way round. "
    "/ filters: every word must be somewhere in the row. Esc ends the filter, then goes to the buttons.\n\n"
    "For the endpoint under the cursor: Enter troubleshoots, l follows the logs, t changes the traffic, r rolls it "
    "back, d shows what differs from the plan, h the history, x removes, o shows the portal's address, i makes a plan "
    "of it, Space shows everything that is known. What changes something is previewed and confirmed first.\n\n"
    "Health: failing (callers get errors, or nothing can answer), unreachable (its workspace did not answer), "
    "degraded, idle (no requests in the last hour), healthy, unknown. u lists what could not be read, and why."
)
ORDINARY = ("Workspace", "Subscription", "Read", "Portal", "Scoring URL", "State", "Made by")  # last in a short space


def explained(row: Row, before: Row | None, width: int, height: int) -> list[str]:
    """Return what explains a row, as lines of at most `width` cells: health, news, what is unknown, then the rest."""
    known = words.details(row)
    news = words.differences(before, row, figures=True) if before is not None and row.get("changed") else []
    parts = [known[0]]
    parts += [("* Changed", "; ".join(news))] if news else []
    parts += [("Unknown", text) for text in words.unknowns([row])]
    reason = str(row.get("reason") or "-")  # which a finding repeats
    notable = [one for one in known[1:] if one[0] not in ORDINARY and not (one[0] == "Finding" and reason in one[1])]
    notable.sort(key=lambda one: one[0] not in ("Finding", "Drift", "Ends") or one[1].startswith(words.NONE))
    parts += [*notable, *(one for one in known if one[0] in ORDINARY)]
    lines = []
    for name, value in parts:
        first, *more = wrap(value, max(width - 15, 20))
        lines.append(f"{name:14} {first}")
        lines += [f"{'':14} {line}" for line in more[:2]]
    return [cut(line, width) for line in lines[:height]]


def everything(row: Row) -> str:
    """Return everything that is known about an endpoint."""
    return "\n".join(f"{name:14} {value}" for name, value in words.details(row))


def not_read(workspaces: Sequence[Mapping[str, Any]], unseen: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    """Return what could not be read, and why; empty if there is nothing."""
    unread = [one for one in workspaces if one["state"] in ("refused", "silent")]
    told = {one["reason"] for one in unread}  # which are among the unseen too
    found = [f"{one['what']}: {one['why']}" for one in unseen if one["why"] not in told]
    found += [f"{one['name']} ({one.get('subscription_name') or one.get('subscription')}): {one['reason']}"
              for one in unread]  # fmt: skip
    return "\n\n".join([*found, *notes])


def diff(found: Mapping[str, Any]) -> str:
    """Return the answer to `diff_of_endpoint` as text."""
    return "\n".join(diff_lines(found, 72)) or "Nothing differs from the last run."


def history(found: Mapping[str, Any], endpoint: str) -> str:
    """Return the answer to `history` as text, newest first, with the command that goes back to a kept plan."""
    lines = []
    for one in found.get("entries") or ():
        run = f"run {one['run']}" if one.get("run") else "no run of aml-deploy"
        lines.append(f"{moment(str(one.get('time') or ''))}  {one.get('what') or one.get('action') or ''}")
        kept = ", its plan is kept" if one.get("kept") else ""
        lines += [f"    {run}, by {one.get('by') or 'unknown'}, {one.get('status') or 'no status'}{kept}"]
    lines = lines or ["Nothing is known about who deployed what."]
    kept = next((one["run"] for one in found.get("entries") or () if one.get("kept")), "")
    if kept:
        lines += ["", "To deploy an earlier version again:", f"    aml-deploy rollback {endpoint} --to {kept}"]
    return "\n".join([*lines, *(["", str(found["note"])] if found.get("note") else [])])
