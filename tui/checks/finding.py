"""What a check found: before anything is changed, or of an endpoint that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from typing import Any, Optional

BLOCKER = "blocker"
WARNING = "warning"
OK = "ok"
UNKNOWN = "unknown"

_ORDER = {BLOCKER: 0, WARNING: 1, UNKNOWN: 2, OK: 3}

# From a text, the service's code where it is known, and facts: the best card of the catalogue as a dict, or None.
Recognise = Callable[[str, Optional[str], Mapping[str, Any]], Optional[dict[str, Any]]]


@dataclass(frozen=True)
class PlanFix:
    """A value of the plan that puts a finding right; None leaves the key out."""

    key: str
    value: Any

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        return {"key": self.key, "value": self.value}


@dataclass(frozen=True)
class Fix:
    """A change in Azure that puts a finding right: `action` with `arguments`, `what` in a sentence, `preview` of it.

    `asks` names what has to be typed first, a secret; it is then given to the action under that name.
    """

    action: str
    what: str
    preview: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = made_by(default_factory=dict)
    asks: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        found = {"action": self.action, "what": self.what, "preview": list(self.preview), "with": dict(self.arguments)}
        return {**found, "asks": self.asks} if self.asks else found


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    `severity` is blocker (the run cannot succeed, or callers get no answers now), warning, ok, or unknown (nobody
    answered; never blocks). `field` is the plan's key that it is about, `looked_at` the file or resource it was read
    from. `commands` do on a command line what `remedy` says, `fixes` do it from here, the best first. `evidence` are
    lines as they were read.

    Of an endpoint that is there: `deployment` and `request_ids` say which and where to ask on, `card` is the id of the
    catalogue's entry, `advice` marks a warning about how it is set up, which is no failure, and `request` is what to
    send to whoever has to do it, where that is somebody else.
    """

    id: str
    severity: str
    field: str = ""
    message: str = ""
    remedy: str = ""
    docs: str = ""
    looked_at: str = ""
    commands: tuple[str, ...] = ()
    fixes: tuple[PlanFix | Fix, ...] = ()
    cause: str = ""
    evidence: tuple[str, ...] = ()
    deployment: str = ""
    request_ids: tuple[str, ...] = ()
    card: str = ""
    advice: bool = False
    request: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as `check --json` has it; without command and fix where there are none."""
        found = self._of("id", "severity", "field", "message", "remedy", "docs", "looked_at")
        if self.commands:
            found["command"] = "; ".join(self.commands)
        if self.fixes:
            found["fix"] = self.fixes[0].as_dict()
        return found

    def as_report(self) -> dict[str, Any]:
        """The finding as `troubleshoot --json` has it; `fix` is the first of the fixes, null where there is none."""
        fixes = [fix.as_dict() for fix in self.fixes]
        return {
            **self._of("id", "severity", "message", "cause", "remedy", "evidence", "commands", "docs", "deployment"),
            **self._of("field", "looked_at", "request_ids", "card"),
            "fixes": fixes,
            **self._of("advice", "request"),
            "fix": fixes[0] if fixes else None,
        }

    def _of(self, *names: str) -> dict[str, Any]:
        values = ((name, getattr(self, name)) for name in names)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values}


def ordered(findings: list[Finding]) -> list[Finding]:
    """The worst first: blockers, warnings, unknowns, what is in order; advice after failures of the same weight."""
    return sorted(findings, key=lambda finding: (_ORDER.get(finding.severity, len(_ORDER)), finding.advice))


def blocked(findings: list[Finding]) -> bool:
    """Whether one of the findings prevents the run."""
    return any(finding.severity == BLOCKER for finding in findings)


def wrong(findings: list[Finding]) -> bool:
    """Whether something is wrong, so that a script should notice: advice and what could not be seen are not."""
    return any(finding.severity in (BLOCKER, WARNING) and not finding.advice for finding in findings)


def with_card(card: Mapping[str, Any] | None, **own: Any) -> Finding:
    """A finding in the words of a card where there is one, laid over its own; its own severity and fixes stay."""
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
    """The last lines of a log that hold anything, as evidence."""
    return tuple(line for line in text.splitlines() if line.strip())[-most:]
