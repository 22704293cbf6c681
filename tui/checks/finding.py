"""What a check found."""

from __future__ import annotations

from dataclasses import asdict, dataclass

BLOCKER = "blocker"
WARNING = "warning"
OK = "ok"
UNKNOWN = "unknown"

_ORDER = {BLOCKER: 0, WARNING: 1, UNKNOWN: 2, OK: 3}


@dataclass(frozen=True)
class Finding:
    """One answer of the preflight.

    `severity` is blocker (the run cannot succeed), warning, ok, or unknown (nobody answered; never blocks). `field`
    is the plan's key that it is about, `looked_at` the file or resource it was read from.
    """

    id: str
    severity: str
    field: str = ""
    message: str = ""
    remedy: str = ""
    docs: str = ""
    looked_at: str = ""

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON data."""
        return asdict(self)


def ordered(findings: list[Finding]) -> list[Finding]:
    """Blockers first, then warnings, unknowns and what is in order; otherwise as they came."""
    return sorted(findings, key=lambda finding: _ORDER.get(finding.severity, len(_ORDER)))


def blocked(findings: list[Finding]) -> bool:
    """Whether one of the findings prevents the run."""
    return any(finding.severity == BLOCKER for finding in findings)
