"""`aml-deploy check`: the preflight, from this machine."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from tui.plain.questions import ask
from tui.plain.ready import ready
from tui.plain.terminal import say

BLOCKED = 3
WORDS = {"blocker": "blocks", "warning": "warning", "unknown": "not known", "ok": "ok"}
CHECK_SECONDS = 180


def run(arguments: Namespace) -> int:
    """Print the findings, the worst first; 3 when one of them blocks. Raises PlanInvalid, Failure."""
    document, environ = ready(arguments)
    findings = worst_first(ask(document, environ, "check", timeout=CHECK_SECONDS))
    if arguments.json:
        for finding in findings:
            print(json.dumps(finding, ensure_ascii=False))
    else:
        for line in finding_lines(findings):
            print(line)
        say(verdict(findings))
    return BLOCKED if any(finding.get("severity") == "blocker" for finding in findings) else 0


def worst_first(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The findings with blockers first and what is right last; otherwise in the order of the checks."""
    order = {severity: place for place, severity in enumerate(("blocker", "warning", "unknown", "ok"))}
    return sorted(findings, key=lambda finding: order.get(str(finding.get("severity")), len(order)))


def finding_lines(findings: list[dict[str, Any]]) -> list[str]:
    """A finding a paragraph: severity, field, message; below it what to do."""
    width = max((len(word) for word in WORDS.values()), default=0)
    lines = []
    for finding in findings:
        severity = str(finding.get("severity", ""))
        field = f"{finding['field']}: " if finding.get("field") else ""
        lines.append(f"{WORDS.get(severity, severity):<{width}}  {field}{finding.get('message', '')}")
        if severity != "ok":
            lines += [f"{'':<{width}}  {text}" for text in (finding.get("remedy"), finding.get("docs")) if text]
    return lines


def verdict(findings: list[dict[str, Any]]) -> str:
    """The findings in a sentence."""
    counts = {
        severity: sum(finding.get("severity") == severity for finding in findings)
        for severity in ("blocker", "warning", "unknown")
    }
    if counts["blocker"]:
        rest = "1 finding blocks" if counts["blocker"] == 1 else f"{counts['blocker']} findings block"
        return f"{rest} a deployment."
    notes = []
    if counts["warning"]:
        notes.append("1 warning" if counts["warning"] == 1 else f"{counts['warning']} warnings")
    if counts["unknown"]:
        notes.append(f"{counts['unknown']} not known")
    return f"Nothing blocks a deployment{' (' + ', '.join(notes) + ')' if notes else ''}."
