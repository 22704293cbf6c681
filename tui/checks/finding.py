"""Findings: the results of the checks, of a plan before it runs or of an existing endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from pathlib import Path
from typing import Any, Optional

BLOCKER = "blocker"
WARNING = "warning"
OK = "ok"
UNKNOWN = "unknown"

_ORDER = {BLOCKER: 0, WARNING: 1, UNKNOWN: 2, OK: 3}

# Arguments: a text, the service's error code if known, and facts. Returns the best matching card as a dict, or None.
Recognise = Callable[[str, Optional[str], Mapping[str, Any]], Optional[dict[str, Any]]]


@dataclass(frozen=True)
class PlanFix:
    """A new value in the plan that fixes a finding; None removes the key."""

    key: str
    value: Any

    def as_dict(self) -> dict[str, Any]:
        """The fix as JSON data."""
        return {"key": self.key, "value": self.value}


@dataclass(frozen=True)
class LineFix:
    """A requirement that a conda file lacks, or has with another version."""

    path: Path
    line: str

    def as_dict(self) -> dict[str, Any]:
        """The fix as JSON data."""
        return {"file": str(self.path), "line": self.line}


@dataclass(frozen=True)
class Fix:
    """A change in Azure that fixes a finding: `action` with `arguments`, `what` in a sentence, and a `preview`.

    `asks` is the name of a secret that the user must type first; it is passed to the action under that name.
    """

    action: str
    what: str
    preview: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = made_by(default_factory=dict)
    asks: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The fix as JSON data."""
        found = {"action": self.action, "what": self.what, "preview": list(self.preview), "with": dict(self.arguments)}
        return {**found, "asks": self.asks} if self.asks else found


@dataclass(frozen=True)
class Finding:
    """One result of a check.

    `severity` is blocker (the run cannot succeed, or callers get no responses now), warning, ok, or unknown (no answer;
    never blocks). `field` is the plan's key that it concerns, `looked_at` the file or resource from which it was read.
    `commands` do the `remedy` on a command line, `fixes` do it from here, the best first. `evidence` has lines as read.

    For an existing endpoint: `deployment` is the affected one, `request_ids` are the ids for support, `card` is the id
    of the catalogue's entry, `advice` marks a warning about the setup that is not a failure, and `request` is the text
    to send to the person responsible, if that is somebody else. `follows` is the id of the finding that causes this
    one, and `follows_from` its message.
    """

    id: str
    severity: str
    field: str = ""
    message: str = ""
    remedy: str = ""
    docs: str = ""
    looked_at: str = ""
    commands: tuple[str, ...] = ()
    fixes: tuple[PlanFix | LineFix | Fix, ...] = ()
    cause: str = ""
    evidence: tuple[str, ...] = ()
    deployment: str = ""
    request_ids: tuple[str, ...] = ()
    card: str = ""
    advice: bool = False
    request: str = ""
    follows: str = ""
    follows_from: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding for `check --json`; command and fix only if there are any."""
        found = self._of("id", "severity", "field", "message", "remedy", "docs", "looked_at")
        if self.commands:
            found["command"] = "; ".join(self.commands)
        if self.fixes:
            found["fix"] = self.fixes[0].as_dict()
        return found

    def as_report(self) -> dict[str, Any]:
        """The finding for `troubleshoot --json`; `fix` is the first of the fixes, or null."""
        fixes = [fix.as_dict() for fix in self.fixes]
        return {
            **self._of("id", "severity", "message", "cause", "remedy", "evidence", "commands", "docs", "deployment"),
            **self._of("field", "looked_at", "request_ids", "card"),
            "fixes": fixes,
            **self._of("advice", "request", "follows", "follows_from"),
            "fix": fixes[0] if fixes else None,
        }

    def _of(self, *names: str) -> dict[str, Any]:
        values = ((name, getattr(self, name)) for name in names)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def ordered(findings: list[Finding]) -> list[Finding]:
    """Sort by severity: blockers, warnings, unknown, OK; advice after failures of the same severity."""
    return sorted(findings, key=lambda finding: (_ORDER.get(finding.severity, len(_ORDER)), finding.advice))


def blocked(findings: list[Finding]) -> bool:
    """Whether one of the findings prevents the run."""
    return any(finding.severity == BLOCKER for finding in findings)


def wrong(findings: list[Finding]) -> bool:
    """Whether something is wrong that a script should report; advice and unknown findings do not count."""
    return any(finding.severity in (BLOCKER, WARNING) and not finding.advice for finding in findings)


def with_card(card: Mapping[str, Any] | None, **own: Any) -> Finding:
    """Replace a finding's texts with those of its catalogue card, if any; severity and fixes are kept."""
    if card is None:
        return Finding(**own)
    evidence = tuple(dict.fromkeys([*card.get("evidence", ()), *own.get("evidence", ())]))
    merged = {
        **own,
        "cause": " ".join(part.strip() for part in (f"{card['title']}.", card.get("cause", "")) if part.strip()),
        "remedy": card.get("remedy") or own.get("remedy", ""),
        "docs": card.get("docs") or own.get("docs", ""),
        "commands": tuple(card.get("commands") or own.get("commands", ())),
        "evidence": evidence[:40],
        "request_ids": tuple(dict.fromkeys([*own.get("request_ids", ()), *card.get("request_ids", ())])),
        "field": card.get("field") or own.get("field", ""),
        "card": card["id"],
    }
    return Finding(**merged)


def last_lines(text: str, most: int = 12) -> tuple[str, ...]:
    """The last non-empty lines of a log, as evidence."""
    return tuple(line for line in text.splitlines() if line.strip())[-most:]
