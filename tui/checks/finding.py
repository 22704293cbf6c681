"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

BLOCKER = "blocker"
WARNING = "warning"
OK = "ok"
UNKNOWN = "unknown"

_ORDER = {BLOCKER: 0, WARNING: 1, UNKNOWN: 2, OK: 3}


@dataclass(frozen=True)
class Finding:
    """One answer of the preflight.

    `severity` is blocker (the run cannot succeed), warning, ok, or unknown (nobody answered; never blocks). `field`
    is the plan's key that it is about, `looked_at` the file or resource it was read from. `command` is what mends it
    on a command line, `fix` the value that would mend the plan: `{"key", "value"}`, where None leaves the key out.
    """

    id: str
    severity: str
    field: str = ""
    message: str = ""
    remedy: str = ""
    docs: str = ""
    looked_at: str = ""
    command: str = ""
    fix: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON data; without command and fix where there are none."""
        return {name: value for name, value in asdict(self).items() if name not in ("command", "fix") or value}


def ordered(findings: list[Finding]) -> list[Finding]:
    """Blockers first, then warnings, unknowns and what is in order; otherwise as they came."""
    return sorted(findings, key=lambda finding: _ORDER.get(finding.severity, len(_ORDER)))


def blocked(findings: list[Finding]) -> bool:
    """Whether one of the findings prevents the run."""
    return any(finding.severity == BLOCKER for finding in findings)
