"""The command `aml-deploy check`: the preflight, from this machine."""

from __future__ import annotations

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tui.common.az_command import to_replace
from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import ask
from tui.plain.failure import Failure
from tui.plain.terminal import can_ask, confirmed, out, out_json, say

BLOCKED = 3
WORDS = {"blocker": "blocks", "warning": "warning", "unknown": "unknown", "ok": "OK"}
CHECK_SECONDS = 180


def run(arguments: Namespace) -> int:
    """Print the findings, the worst first; return 3 if one of them blocks. Raises PlanInvalid, Failure."""
    document, environ = ready(arguments)
    began = time.monotonic()
    findings = worst_first(ask(document, environ, "check", timeout=CHECK_SECONDS))
    took = time.monotonic() - began
    if arguments.fix:
        findings = _corrected(arguments, findings)
    if arguments.try_locally:
        findings = worst_first([*findings, *tried_locally(arguments)["findings"]])
    if arguments.json:
        for finding in findings:
            out_json(finding)
    else:
        for line in finding_lines(findings):
            out(line)
        say(f"{verdict(findings)} {len(findings)} checks took {took:.1f} s.")
    return BLOCKED if any(finding.get("severity") == "blocker" for finding in findings) else 0


def tried_locally(arguments: Namespace, load: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The report of a local trial of the plan; with `load`, the options of a load run, of that. Raises Failure."""
    import asyncio
    import os

    from tui.local_trial.client import perform
    from tui.plan.load_save.load import load as load_plan

    told = ""

    def tell(line: str) -> None:
        nonlocal told
        step = line if line.startswith("Load:") else line.partition(":")[0]
        if step != told:
            told = step
            say(line if line.startswith("Load:") else f"Local trial: {line}")

    document = load_plan(arguments.plan, arguments.overlays, arguments.sets)
    options = {} if load is None else {"load": dict(load)}
    try:
        return asyncio.run(perform(document, os.environ, tell, **options))
    except OSError as error:
        raise Failure(f"The local trial cannot run: {error.strerror or error}.") from None


def _corrected(arguments: Namespace, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Correct the plan where possible; return the findings, checked again if something was changed."""
    if not written(arguments, findings, "The checks propose no corrections to the plan."):
        return findings
    document, environ = ready(arguments)
    return worst_first(ask(document, environ, "check", timeout=CHECK_SECONDS))


def written(arguments: Namespace, findings: list[dict[str, Any]], nothing: str) -> bool:
    """Write the fixes of findings into the plan's files, after asking on a terminal; return whether any was written.

    `nothing` is said if the findings have none.
    """
    from tui.plain.fix_plan import correct, planned

    if can_ask() and not arguments.yes and (lines := planned(arguments, findings)):
        say("\n".join(["Proposed corrections of the plan's files:", *(f"  {line}" for line in lines)]))
        if not confirmed("Write them?"):
            say("Nothing was written.")
            return False
    done, left = correct(arguments, findings)
    for line in [*done, *left] or [nothing]:
        say(line)
    return bool(done)


def worst_first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The findings with blockers first and ok last; otherwise in the order of the checks."""
    order = {severity: place for place, severity in enumerate(("blocker", "warning", "unknown", "ok"))}
    return sorted(findings, key=lambda finding: order.get(str(finding.get("severity")), len(order)))


def finding_lines(findings: list[dict[str, Any]]) -> list[str]:
    """Each finding as a paragraph: severity, field, message, and below it the remedy."""
    width = max(map(len, WORDS.values()))
    lines = []
    for finding in findings:
        severity = str(finding.get("severity", ""))
        field = f"{finding['field']}: " if finding.get("field") else ""
        lines.append(f"{WORDS.get(severity, severity):<{width}}  {field}{finding.get('message', '')}")
        if severity != "ok":
            at = str(finding.get("looked_at") or "")
            seen = f"checked: {at}" if at and at not in str(finding.get("message")) else ""
            lines += [f"{'':<{width}}  {text}" for text in (*remedy_lines(finding), finding.get("docs"), seen) if text]
    return lines


def remedy_lines(finding: Mapping[str, Any]) -> list[str]:
    """The remedy, and its command on a separate line, so that it can be copied."""
    command = str(finding.get("command") or "")
    remedy = str(finding.get("remedy") or "")
    if command and remedy.endswith(command):
        remedy = remedy[: -len(command)].rstrip()
    shown = f"$ {command}" if command and command not in remedy else ""
    return [line for line in (remedy, shown, to_replace(command)) if line]


def verdict(findings: list[dict[str, Any]]) -> str:
    """A sentence that sums up the findings."""
    counts = Counter(finding.get("severity") for finding in findings)
    blockers, warnings = counts["blocker"], counts["warning"]
    if blockers:
        return f"{'1 finding blocks' if blockers == 1 else f'{blockers} findings block'} a deployment."
    notes = [f"{warnings} warning{'s' * (warnings > 1)}"] if warnings else []
    notes += [f"{counts['unknown']} unknown"] if counts["unknown"] else []
    return f"Nothing blocks a deployment{' (' + ', '.join(notes) + ')' if notes else ''}."
