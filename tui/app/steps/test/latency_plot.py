"""Draws a load test: each latency at its time, failures by kind below, and beside them how many calls took so long."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

from textual.content import Content
from textual.widgets import Static

from tui.app.steps.test import call_in_words
from tui.app.steps.test.load_test import FAILURES, PERCENTILES, Shot, Tally
from tui.app.text import formatting

COUNT_CELLS, NAME_CELLS = 5, 13  # of a row's number of calls, and of its percentiles
LEAST_BINS, MOST_BINS = 3, 20
# How many calls a cell stands for: the sign for up to so many.
DENSITY = ((0, " "), (1, "•"), (4, "▒"), (10**9, "█"))
LEGEND = "• 1 call, ▒ up to 4, █ more"


class Bins(NamedTuple):
    """Latencies in steps of equal ratio, from `low` in milliseconds, because most are alike and a few very long."""

    low: float
    ratio: float
    number: int

    @classmethod
    def of(cls, times: list[float], number: int) -> Bins:
        """Bins that hold these latencies (at least one)."""
        low, high = max(min(times), 0.1), max(max(times), 0.1)
        # Differences of less than a tenth are noise: they need no rows, which would have the same names.
        number = max(min(number, len(times), int(math.log(high / low, 1.1))), 1)
        return cls(low, max((high / low) ** (1 / number), 1.0001), number)

    def at(self, latency: float) -> int:
        """The bin of a latency."""
        return next((place for place in range(self.number - 1) if latency < self.start(place + 1)), self.number - 1)

    def start(self, place: int) -> float:
        """The lowest latency of a bin, in milliseconds."""
        return self.low * self.ratio**place


def drawn(tally: Tally, width: int, height: int) -> Content:
    """Draw a tally with at least one call in so many cells; empty if there is no room."""
    failures = [(kind, shots) for kind in FAILURES if (shots := [shot for shot in tally.shots if shot.failure == kind])]
    number = min(height - 2 - len(failures), MOST_BINS)
    label = 2 + max([9, *(len(kind) + 2 for kind, _ in failures)])
    plain = width - label - COUNT_CELLS - NAME_CELLS - 2
    if number < LEAST_BINS or plain < 20:
        return Content()
    over_time = plain * 3 // 5
    bar = plain - over_time
    seconds = max(tally.seconds, *(shot.at for shot in tally.shots), 0.001)
    lines: list[tuple[str, str, list[Shot], str]] = []  # name, sign of a failure, calls, note
    if times := tally.times:
        bins = Bins.of(times, number)
        good: list[list[Shot]] = [[] for _ in range(bins.number)]
        for shot in tally.shots:
            if shot.ok and shot.latency_ms is not None:
                good[bins.at(shot.latency_ms)].append(shot)
        where = [(name, bins.at(call_in_words.percentile(times, share))) for name, share in PERCENTILES]
        for place in reversed(range(bins.number)):
            note = " ".join(name for name, its in where if its == place)
            lines.append((formatting.milliseconds(bins.start(place)), "", good[place], note))
    lines += [(f"✖ {kind}", "✖", shots, "") for kind, shots in failures]
    most = max(len(shots) for _, _, shots, _ in lines)
    margin = " " * label
    rows = [Content.styled(f"{margin}{'over time':{over_time}}  how many calls", "$text-muted")]
    for name, sign, shots, note in lines:
        cells = Counter(min(int(shot.at / seconds * over_time), over_time - 1) for shot in shots)
        marks = "".join(_sign(cells[at], sign) for at in range(over_time))
        filled = -(-len(shots) * bar // most)  # at least one cell for one call
        rows.append(
            Content.assemble(
                (f"{name:>{label - 2}} │", "$text-error" if sign else "$text-muted"),
                (marks, "$text-error" if sign else "$text-accent"),
                ("│", "$text-muted"),
                ("█" * filled, "$text-error" if sign else "$text-accent"),
                f"{' ' * (bar - filled)}{len(shots) or '':>{COUNT_CELLS}}",
                (f"  {note}", "bold"),
            )
        )
    axis = f"{margin}0 s{formatting.duration(seconds):>{over_time - 3}}  {LEGEND}"
    return Content("\n").join([*rows, Content.styled(axis, "$text-muted")])


def _sign(number: int, failed: str) -> str:
    """The sign for so many calls at one time."""
    return failed if failed and number else next(sign for most, sign in DENSITY if number <= most)


class LatencyPlot(Static):
    """Shows a load test's latencies over time, as a histogram, and its failures; draws again when resized."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._tally: Tally | None = None

    def show(self, tally: Tally | None) -> None:
        """Draw a tally."""
        self._tally = tally
        self.on_resize()

    def on_resize(self) -> None:
        size, tally = self.content_size, self._tally
        self.update(drawn(tally, size.width, size.height) if tally and tally.shots else "", layout=False)
