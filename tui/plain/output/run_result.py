"""Formats the end of a run as text: the result or the error, and the next commands."""

from __future__ import annotations

import json
import shlex
from typing import Any

from tui.engine.journal.run_view import RunView
from tui.engine.journal.runs import Run
from tui.engine.rollout.rollout_view import RolloutView
from tui.plain.commands.check import remedy_lines
from tui.plain.output.event_lines import QUIET_SOURCES, clock
from tui.plan.traffic import in_words

EVIDENCE_LINES = 8
LOG_LINES = 15
RESPONSE_CHARACTERS = 400

HEADLINES = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "blocked": "Blocked by the preflight",
    "cancelled": "Stopped",
}


def summary(run: Run, view: RunView, *, remove: str | None = None) -> list[str]:
    """The last lines of a run's output; `remove` is the command that removes what it created."""
    took = f" after {clock(view.finished - view.started)}" if view.finished and view.started else ""
    lines = ["", f"{HEADLINES.get(view.status, view.status)}{took}."]
    if view.card:
        lines += card_lines(view.card)
    elif view.status == "blocked":
        lines += blocker_lines(view)
    elif view.message:
        lines.append(f"  {view.message}")
    if view.status == "failed":
        lines += log_lines(view)
    rows = {
        "endpoint": f"{view.endpoint}, deployment {view.deployment}",
        "scoring URI": view.scoring_uri,
        "portal": view.portal_url,
        "golden": view.golden,
        "test": view.test and answer(view.test),
        "left behind": ", ".join(view.left_behind),
        "requests": view.rollout and view.rollout.traffic and _requests(view.rollout),
        "run": run.id,
        "engine log": run.log,
    }
    shown = {name: text for name, text in rows.items() if text}
    width = max(map(len, shown))
    lines += [f"  {name:<{width}}  {text}" for name, text in shown.items()]
    lines += ["", *next_commands(run, view, remove or remove_command(str(run.plan), run.rehearsed))]
    return lines


def _requests(rollout: RolloutView) -> str:
    """The traffic split after a rollout, and before it."""
    before = in_words(rollout.before)
    return rollout.split_words + (f"; before: {before}" if before != rollout.split_words else "")


def blocker_lines(view: RunView) -> list[str]:
    """The blocking findings and their remedies."""
    lines = []
    for finding in view.findings:
        if finding.get("severity") == "blocker":
            field = f"{finding['field']}: " if finding.get("field") else ""
            lines += [f"  {field}{finding.get('message', '')}"]
            lines += [f"    {text}" for text in (*remedy_lines(finding), finding.get("docs")) if text]
    return lines


def log_lines(view: RunView) -> list[str]:
    """The last lines of the container's log, which is printed only after a failure."""
    lines = [line.line.rstrip() for line in view.logs[: view.log_count] if line.source in QUIET_SOURCES]
    last = [line for line in lines if line][-LOG_LINES:]
    return ["  Last lines of the container's log:", *(f"    | {line}" for line in last)] if last else []


def next_commands(run: Run, view: RunView, remove: str) -> list[str]:
    """The commands that can follow."""
    commands = [("See it again", f"aml-deploy attach {run.id}")]
    if view.status == "succeeded":
        commands.append(("Send a request", f"aml-deploy invoke {view.endpoint} --request FILE"))
        # Without traffic before, there is no split to roll back to.
        shifted = view.rollout and view.rollout.began and in_words(view.rollout.before) != view.rollout.split_words
        if shifted and view.rollout and any(view.rollout.before.values()):
            commands.append(("Roll back", f"aml-deploy rollback {view.endpoint}"))
    made_nothing = view.status in ("failed", "cancelled") and all(one.startswith("model ") for one in view.left_behind)
    if view.status != "blocked" and not made_nothing:
        commands.append(("Remove it", remove))
    width = max(len(name) for name, _ in commands)
    return [f"{name + ':':<{width + 1}} {command}" for name, command in commands]


def remove_command(plan: str, rehearsed: bool) -> str:
    """The command that removes what a plan created."""
    return f"aml-deploy remove {shlex.quote(plan)}{' --rehearse' if rehearsed else ''}"


def answer(test: dict[str, Any]) -> str:
    """A test call's status, latency and response in one line."""
    latency, body = test.get("latency_ms"), test.get("response")
    took = f" in {latency:.0f} ms" if isinstance(latency, (int, float)) else ""
    text = " ".join((body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).split())
    cut = f"{text[:RESPONSE_CHARACTERS]} …" if len(text) > RESPONSE_CHARACTERS else text
    return f"status {test.get('status_code')}{took}: {cut}"


def card_lines(card: dict[str, Any]) -> list[str]:
    """An error card as text: what happened, why, what to do, and the evidence."""
    lines = [f"  {card.get('title', '')}"]
    for name, text in (("Why", card.get("cause")), ("What to do", card.get("remedy")), ("More", card.get("docs"))):
        if text:
            first, *more = str(text).splitlines()
            lines.append(f"  {name}: {first}")
            lines += [f"    {line}" for line in more]
    evidence = [line for line in card.get("evidence") or [] if line.strip() and line.strip() not in "\n".join(lines)]
    if evidence:
        lines.append("  The service's message:")
        lines += [f"    | {line}" for line in evidence[:EVIDENCE_LINES]]
    if card.get("request_ids"):
        lines.append(f"  Request ids: {', '.join(card['request_ids'])}")
    return lines
