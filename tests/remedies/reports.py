"""Measure the catalogue on public error reports: is the first card the right one?

`reports/seen.jsonl` are the reports that the entries were written with; `reports/set_aside.jsonl` those whose source's
SHA-256 is divisible by three, which nobody looked at while writing entries; `reports/later.jsonl` are reports (none of
that third) that were collected afterwards, measured once, and then entries were written with them too;
`reports/harmless.jsonl` are texts of other software; `reports/other_failures.jsonl` are texts, not of public reports,
of failures for which a sure card was wrong before it was narrowed. A card is right if its title, cause or remedy has
what `want` asks for, a regular expression.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.remedies.catalogue import Catalogue, Entry
from tui.remedies.likely_line import most_likely_line
from tui.remedies.matcher import POSSIBLE, SURE, Card, match
from tui.remedies.nearest import ranks
from tui.remedies.patterns import Page

FOLDER = Path(__file__).parent / "reports"
OUTCOMES = ("right sure", "right possible", "wrong possible", "wrong sure", "none")


@dataclass(frozen=True)
class Report:
    """A public report: its source, the error's own words, and what a right card must say (nothing if harmless)."""

    source: str
    kind: str
    text: str
    cause: str = ""
    want: str = ""


def read(name: str) -> list[Report]:
    """The reports of a file of the folder: seen, later, set_aside or harmless."""
    return [Report(**json.loads(line)) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def is_set_aside(source: str) -> bool:
    """Whether a report only measures. A second failure in one thread, `… (2)`, goes where the thread goes."""
    thread = source.split(" (")[0]
    return int(hashlib.sha256(thread.encode()).hexdigest(), 16) % 3 == 0


def is_right(report: Report, card: Card | Entry) -> bool:
    """Whether a card says what the report's cause asks for."""
    told = f"{card.title} {card.cause} {card.remedy}"
    return bool(report.want and re.search(report.want, told, re.IGNORECASE))


def outcome(report: Report, catalogue: Catalogue, level: str = "both") -> tuple[str, list[Card]]:
    """One of OUTCOMES, by the first card, and the cards.

    `level` is both, or one alone: patterns (no card for its words), or words (the nearest entry for every text).
    """
    if level == "words":
        page = Page(report.text)
        line = most_likely_line(page)
        near = ranks(page, line, catalogue) if line is not None else []
        right = bool(near) and is_right(report, catalogue.entries[near[0][0]])
        return (f"{'right' if right else 'wrong'} {POSSIBLE}" if near else "none"), []
    cards = match(report.text, catalogue=catalogue)
    if not cards or (level == "patterns" and not cards[0].score):
        return "none", cards
    return f"{'right' if is_right(report, cards[0]) else 'wrong'} {cards[0].certainty}", cards


def by_kind(reports: Iterable[Report], catalogue: Catalogue, level: str = "both") -> dict[str, Counter[str]]:
    """The number of each outcome, by kind of failure."""
    found: dict[str, Counter[str]] = {}
    for report in reports:
        found.setdefault(report.kind, Counter())[outcome(report, catalogue, level)[0]] += 1
    return dict(sorted(found.items()))


def by_chance(reports: Sequence[Report], catalogue: Catalogue, tries: int = 20) -> float:
    """The share of reports for which an entry drawn at random is right: how much `want` itself lets pass."""
    drawn = random.Random(16)
    entries = list(catalogue.entries.values())
    hits = sum(is_right(report, drawn.choice(entries)) for report in reports for _ in range(tries))
    return hits / (len(reports) * tries)


def table(found: dict[str, Counter[str]]) -> list[str]:
    """The outcomes as lines of a Markdown table, with the sum."""
    whole: Counter[str] = sum(found.values(), start=Counter())
    lines = [f"| kind | reports | {' | '.join(OUTCOMES)} |", f"|---|---|{'---|' * len(OUTCOMES)}"]
    for kind, counts in [*found.items(), ("all", whole)]:
        lines.append(f"| {kind} | {sum(counts.values())} | {' | '.join(str(counts[one]) for one in OUTCOMES)} |")
    return lines


def share_right(found: dict[str, Counter[str]]) -> float:
    """The share of reports whose first card is right, sure or possible."""
    whole: Counter[str] = sum(found.values(), start=Counter())
    return (whole[f"right {SURE}"] + whole[f"right {POSSIBLE}"]) / max(1, sum(whole.values()))
