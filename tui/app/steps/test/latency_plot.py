"""Draws a load test: each latency at its time, failures by kind below, and beside them how many calls took so long."""

from __future__ import annotations

import math
from bisect import bisect
from collections import Counter

from textual.content import Content
from textual.widgets import Static

from tui.app.steps.test import call_in_words
from tui.app.steps.test.load_test import FAILURES, PERCENTILES, Shot, Tally
from tui.app.text import formatting
from tui.common.cell_width import rjust

COUNT_CELLS, NAME_CELLS = 5, 13  # of a row's number of calls, and of its percentiles
LEAST_BINS, MOST_BINS = 3, 20
# How many calls a cell stands for: the sign for up to so many.
DENSITY = ((0, " "), (1, "•"), (4, "▒"), (10**9, "█"))
LEGEND = "• 1 call, ▒ up to 4, █ more"


def bins(times: list[float], most: int) -> list[float]:
    """Where each row of latencies begins, in milliseconds: in steps of equal ratio, as most are alike, a few very long.

    Differences of less than a tenth are noise: they need no rows, which would have the same names.
    """
    low = max(min(times), 0.1)
    ratio = max(max(times), low) / low
    number = max(min(most, len(times), int(math.log(ratio, 1.1))), 1)
    return [low * ratio ** (place / number) for place in range(number)]


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
        starts = bins(times, number)
        good: list[list[Shot]] = [[] for _ in starts]
        notes: list[list[str]] = [[] for _ in starts]
        for shot in tally.shots:
            if shot.ok and shot.latency_ms is not None:
                good[bisect(starts, shot.latency_ms, 1) - 1].append(shot)
        for name, share in PERCENTILES:
            notes[bisect(starts, call_in_words.percentile(times, share), 1) - 1].append(name)
        for start, shots, names in reversed([*zip(starts, good, notes)]):
            lines.append((formatting.milliseconds(start), "", shots, " ".join(names)))
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
                (f"{rjust(name, label - 2)} │", "$text-error" if sign else "$text-muted"),
                (marks, "$text-error" if sign else "$text-accent"),
                ("│", "$text-muted"),
                ("█" * filled, "$text-error" if sign else "$text-accent"),
                f"{' ' * (bar - filled)}{rjust(str(len(shots) or ''), COUNT_CELLS)}",
                (f"  {note}", "bold"),
            )
        )
    axis = f"{margin}0 s{rjust(formatting.duration(seconds), over_time - 3)}  {LEGEND}"
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
