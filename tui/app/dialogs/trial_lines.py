"""The findings and the progress of a local trial, or of its load run, as lines. Contains no screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.app.widgets.facts import Fact
from tui.common.cell_width import cut

LONGEST_COUNT = 15  # cells for the sign before and the time after a line
KINDS = {"ok": "ok", "warning": "warn", "blocker": "bad", "unknown": "none"}
NAMES = {
    "trial-ready": "Start",
    "trial-memory": "Memory",
    "trial-latency": "Latency",
    "trial-answer": "Answer",
    "trial-load": "Load",
}


def progress(line: str, width: int) -> str:
    """A line of progress that leaves room in `width` cells for the seconds that are counted."""
    return f"▸ {cut(' '.join(line.split()), max(20, width - LONGEST_COUNT))}"


def facts(findings: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """Convert findings to lines, with the remedy below each that is not OK."""
    lines = []
    for item in findings:
        kind = KINDS.get(str(item.get("severity")), "none")
        lines.append(Fact(kind, NAMES.get(str(item.get("id")), str(item.get("id"))), str(item.get("message"))))
        if kind != "ok":
            more = [line for line in str(item.get("remedy") or "").splitlines() if line.strip()]
            lines += [Fact("", "" if number else "What to do", line) for number, line in enumerate(more)]
        card = item.get("card") or {}
        lines += [Fact("", "" if number else "Evidence", str(line)) for number, line in enumerate(_evidence(card))]
        if item.get("docs") and kind != "ok":
            lines.append(Fact("", "Read more", str(item["docs"])))
    return lines


def _evidence(card: Mapping[str, Any]) -> list[str]:
    return [str(line) for line in (card.get("evidence") or ()) if str(line).strip()][:12]


def text(report: Mapping[str, Any]) -> str:
    """Return the report as plain text."""
    lines = []
    for item in report.get("findings") or ():
        lines.append(f"{item.get('severity'):8} {item.get('id')}: {item.get('message')}")
        if item.get("severity") != "ok" and item.get("remedy"):
            lines += [f"{'':9}{line}" for line in str(item["remedy"]).splitlines()]
        lines += [f"{'':9}| {line}" for line in _evidence(item.get("card") or {})]
    for one in report.get("figures") or ():
        lines.append("")
        lines += [f"{name}: {value}" for name, value in one.items() if value is not None]
    return "\n".join(lines) + "\n"
