"""Recognise known failures in an error text, a container log or a build log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.remedies.catalogue import Catalogue, Entry, load
from tui.remedies.likely_line import most_likely_line
from tui.remedies.nearest import nearest
from tui.remedies.patterns import LONGEST_LINE, Hit, Page
from tui.remedies.request_ids import request_ids
from tui.remedies.tracebacks import Raised, raised

SURE, POSSIBLE = "sure", "possible"
"""The certainty of a card: recognised, or likely if the text comes from Azure Machine Learning."""
ENOUGH = 1.0
"""Weights of the patterns that matched, added up, below which an entry is not shown."""
OURS = ("azure", "azureml", "databricks", "build", "container", "scoring")
"""The contexts of texts that show where they come from."""
SURELY = 3.0
"""The score from which an entry is sure: a pattern that identifies exactly this failure. A user's own need none."""
CLEARLY = 0.5
"""How much more an entry's score must be to be the only card of a line."""
MOST_EVIDENCE = 6
CODE_BONUS = 0.5
_PLACE = re.compile(r"\{(\w+)(?:\|([^{}]*))?\}")
_SAFE_IN_A_COMMAND = re.compile(r"[\w./:@+=,-]+")


@dataclass(frozen=True)
class Card:
    """A recognised failure, with its texts and the lines that show it.

    `certainty` is SURE or POSSIBLE.
    `evidence` has the lines and `lines` their numbers (from 1), in the same order; `score` only orders cards. `field`
    is the key of the plan to fix, if there is one.
    """

    id: str
    title: str
    cause: str
    remedy: str
    commands: tuple[str, ...] = ()
    docs: str = ""
    evidence: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    request_ids: tuple[str, ...] = ()
    field: str = ""
    phase: str = ""
    source: tuple[str, ...] = ()
    score: float = 0.0
    certainty: str = SURE

    def as_dict(self) -> dict[str, Any]:
        """The card as JSON data, with lists and texts only."""
        told = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return {name: value for name, value in told.items() if name != "score"}


@dataclass(frozen=True)
class _Found:
    """An entry that matched: its hits with their weights, the heaviest first."""

    entry: Entry
    hits: tuple[tuple[float, Hit], ...]
    score: float
    place: int
    certainty: str

    @property
    def main(self) -> int:
        """The index of the line with the heaviest match."""
        return self.hits[0][1].index


def match(
    text: str,
    *,
    code: str | None = None,
    facts: Mapping[str, Any] | None = None,
    catalogue: Catalogue | None = None,
) -> list[Card]:
    """The known failures in a text: sure ones first, of each the best match first; empty if there is none.

    An entry is sure if its context occurs in the text and its score is SURELY or more, else possible; without its
    context it is left out if the text comes from something else (`elsewhere` in the catalogue). A general entry is only
    possible. A line makes only the card of its best entry.
    If no entry matches, the one whose words are nearest to the text's may be possible.

    `code` is the service's error code, if it is known separately. `facts` describe the plan and the workspace (see
    `unless` in the catalogue: isolation, egress, has_code, conda_names_server, auth_mode, …, and endpoint, deployment,
    workspace, resource_group, subscription, which fill in the commands). With a code or facts, the text is known to
    come from Azure Machine Learning, so every entry that matches is sure. `catalogue` replaces the bundled and user's
    entries.
    """
    known = catalogue or load()
    page = Page(f"{text}\n{code}" if code else text)
    trusted = bool(code or facts)
    occurs: dict[str, bool] = {"": True}

    def in_context(name: str) -> bool:
        if name not in occurs:
            occurs[name] = name in known.contexts and known.contexts[name].occurs(page)
        return occurs[name]

    found = []
    for place, entry in enumerate(known.entries.values()):
        hits = _hits(entry, page)
        if sum(weight for weight, _ in hits) < ENOUGH:
            continue
        ours = trusted or in_context(entry.context)
        if not ours and in_context("elsewhere"):
            continue
        if _contradicted(entry, facts or {}) or any(pattern.occurs(page) for pattern in entry.absent):
            continue
        score = _score(entry, hits, code)
        exact = score >= SURELY and not entry.general
        certainty = SURE if trusted or (ours and (exact or entry.own)) else POSSIBLE
        found.append(_Found(entry, hits, score, place, certainty))
    best = sorted(_without_general(found), key=_order)
    crash = raised(page) if found or not trusted else None
    if not found and not trusted and not in_context("elsewhere"):
        best = _nearest(page, crash, known)
    if not best:
        return []
    ids = request_ids(page)
    appended = len(page) - 1 if code else -1
    return [_card(item, facts or {}, crash, ids, appended) for item in _one_a_line(best)]


def _order(item: _Found) -> tuple[bool, float, int, int]:
    return (item.certainty != SURE, -item.score, -_last_line(item), item.place)


def _one_a_line(best: Sequence[_Found]) -> list[_Found]:
    """Without entries whose main line already made a better card, by CLEARLY or more."""
    first: dict[int, _Found] = {}
    for item in best:
        first.setdefault(item.main, item)
    return [
        item
        for item in best
        if item is first[item.main]
        or (item.certainty == first[item.main].certainty and first[item.main].score - item.score < CLEARLY)
    ]


def _nearest(page: Page, crash: Raised | None, known: Catalogue) -> list[_Found]:
    """The entry whose words are nearest to those of a text that shows an error; or none."""
    index = crash.index if crash else most_likely_line(page)
    if index is None:
        return []
    ours = any(known.contexts[name].occurs(page) for name in OURS if name in known.contexts)
    entry = nearest(page, index, known, ours)
    if entry is None:
        return []
    begin, end = page.bounds(index)
    line = page.text[begin : min(end, begin + LONGEST_LINE)]
    whole = re.search(r"\S.*|$", line)
    hit = Hit(index, page.number(index), whole, line)  # type: ignore[arg-type]
    return [_Found(entry, ((ENOUGH, hit),), 0.0, 0, POSSIBLE)]


def _hits(entry: Entry, page: Page) -> tuple[tuple[float, Hit], ...]:
    """The matches, heaviest pattern first; each line counts once."""
    seen: set[int] = set()
    found = []
    for weighted in sorted(entry.patterns, key=lambda item: -item.weight):
        new = [hit for hit in weighted.pattern.hits(page) if hit.index not in seen or weighted.weight < ENOUGH]
        if new:
            seen.update(hit.index for hit in new)
            found.append((weighted.weight, new[-1]))
    return tuple(found)


def _score(entry: Entry, hits: Sequence[tuple[float, Hit]], code: str | None) -> float:
    """The score: mainly the heaviest pattern; other patterns and a matching code add a little."""
    first, *others = (weight for weight, _ in hits)
    return first + min(0.9, 0.2 * sum(others)) + (CODE_BONUS if code and code in entry.codes else 0.0)


def _last_line(item: _Found) -> int:
    return max(hit.index for _, hit in item.hits)


def _without_general(found: list[_Found]) -> list[_Found]:
    """Remove general entries if there is a more specific one with the same code."""
    best: dict[str, float] = {}
    for item in found:
        for code in item.entry.codes:
            best[code] = max(item.score, best.get(code, 0.0))
    return [
        item for item in found if not item.entry.general or all(best[code] <= item.score for code in item.entry.codes)
    ]


def _contradicted(entry: Entry, facts: Mapping[str, Any]) -> bool:
    return any(all(key in facts and facts[key] == value for key, value in group.items()) for group in entry.unless)


def _card(item: _Found, facts: Mapping[str, Any], crash: Raised | None, ids: tuple[str, ...], appended: int) -> Card:
    entry = item.entry
    values = {key: str(value) for key, value in facts.items() if isinstance(value, (str, int)) and value != ""}
    if crash:
        values.update({"exception": crash.text.rstrip("."), "where": crash.where})
    for _, hit in reversed(item.hits):
        values.update({key: value.strip() for key, value in hit.match.groupdict().items() if value})
    shown = {hit.index: (hit.line, hit.shown) for _, hit in item.hits if hit.index != appended}
    if crash and entry.traceback:
        shown.setdefault(crash.index, (crash.line, crash.shown))
    evidence = [shown[index] for index in sorted(shown)[-MOST_EVIDENCE:]]
    return Card(
        id=entry.id,
        title=_filled(entry.title, values),
        cause=_filled(entry.cause, values),
        remedy=_filled(entry.remedy, values),
        commands=tuple(_command(command, values) for command in entry.commands),
        docs=entry.docs,
        evidence=tuple(text for _, text in evidence),
        lines=tuple(line for line, _ in evidence),
        request_ids=ids,
        field=entry.field,
        phase=entry.phase,
        source=entry.source,
        score=round(item.score, 3),
        certainty=item.certainty,
    )


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in `{name}` and `{name|text if it is unknown}` in a text."""
    return _PLACE.sub(lambda place: values.get(place[1]) or (place[2] if place[2] is not None else place[1]), text)


def _command(text: str, values: Mapping[str, str]) -> str:
    """Fill in a command; `{name}` becomes NAME if it is unknown or would need quoting in a shell."""

    def value(place: re.Match[str]) -> str:
        known = values.get(place[1], "")
        if _SAFE_IN_A_COMMAND.fullmatch(known):
            return known
        return place[2] if place[2] else place[1].upper().replace("_", "-")

    return _PLACE.sub(value, text)
