"""Findings about the plan, from its own checks and from the helper's answers, each with the step in which to fix it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.plan.fields.all_fields import BY_KEY

SEVERITIES: dict[str, tuple[int, str, str]] = {
    "blocker": (0, "✖", "blocker"),
    "warning": (1, "!", "warning"),
    "unknown": (2, "?", "not known"),
    "ok": (3, "✔", "OK"),
}
# The field through which each resource is edited.
FIELD_OF_RESOURCE: dict[str, str] = {
    "endpoint": "endpoint.name",
    "model": "deployment.model.path",
    "code": "deployment.code_configuration.code",
    "environment": "deployment.environment.conda_file",
    "deployment": "deployment.name",
    "autoscale": "deployment.autoscale.minimum",
    "traffic": "traffic",
}
WITHOUT_FIELD = "network"  # the step that shows the preflight's findings without a field


@dataclass(frozen=True)
class Finding:
    """A finding of the preflight or the plan's own checks; `key` is the field concerned, if any.

    `step` is where to fix it; empty if that is not known.
    """

    severity: str
    message: str
    remedy: str = ""
    key: str = ""
    docs: str = ""
    looked_at: str = ""
    step: str = ""


def local(problems: Mapping[str, str]) -> list[Finding]:
    """Convert the plan's own problems, by key, to findings."""
    found = []
    for key, problem in problems.items():
        field = BY_KEY.get(key)
        named = field is None or problem.lower().startswith(field.label.lower())
        text = problem if named or field is None else f"{field.label}: {problem}"
        found.append(Finding("blocker", text, key=key, step=field.step if field else ""))
    return found


def answered(answer: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Convert the helper's answer to findings."""
    return [
        Finding(
            str(item.get("severity") or "unknown"),
            str(item.get("message") or item.get("id") or ""),
            _with_command(str(item.get("remedy") or ""), str(item.get("command") or "")),
            str(item.get("field") or ""),
            str(item.get("docs") or ""),
            str(item.get("looked_at") or ""),
            step_of(item),
        )
        for item in answer
    ]


def step_of(item: Mapping[str, Any]) -> str:
    """Return the step in which to fix a finding, as the helper's answer has it."""
    field = BY_KEY.get(str(item.get("field") or ""))
    return field.step if field else WITHOUT_FIELD


def refused(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the changes that Azure would refuse, in the form of the helper's findings."""
    return [
        {
            "severity": "blocker",
            "message": f"{change.get('resource', '')} {change.get('name', '')}: {change['refused']}",
            "field": FIELD_OF_RESOURCE.get(str(change.get("resource")), ""),
        }
        for change in changes
        if change.get("refused")
    ]


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings: blockers, warnings, unknown, OK; each message once."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.severity, finding.message), finding)
    return sorted(seen.values(), key=lambda finding: SEVERITIES.get(finding.severity, SEVERITIES["unknown"])[0])


def _with_command(remedy: str, command: str) -> str:
    """Return a remedy, followed by its command unless the sentence already contains it."""
    return remedy if not command or command in remedy else f"{remedy} {command}".strip()
