"""Plots the latencies of a load test: a mark per call, in order, and lines for p50 and p95."""

from __future__ import annotations

from typing import Any

from textual.app import RenderResult
from textual_plotext import PlotextPlot

from tui.app.steps.test import call_in_words
from tui.app.steps.test.load_test import Tally
from tui.app.text import formatting

ROWS_FOR_LINES = 12


class LatencyPlot(PlotextPlot):
    """Plots milliseconds by call number; failed calls are marked with an x, which the axis label explains."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._tally: Tally | None = None

    def show(self, tally: Tally) -> None:
        """Draw a tally."""
        self._tally = tally
        plt = self.plt
        plt.clear_data()
        plt.clear_figure()
        good = [(at, shot.latency_ms) for at, shot in enumerate(tally.shots, 1) if shot.ok and shot.latency_ms]
        bad = [(at, shot.latency_ms or 0.0) for at, shot in enumerate(tally.shots, 1) if not shot.ok]
        mono = self.app.no_color
        if good:
            plt.scatter([at for at, _ in good], [ms for _, ms in good], marker="braille" if len(good) > 200 else "•",
                        color="default" if mono else "cyan+")  # fmt: skip
        if bad:
            plt.scatter([at for at, _ in bad], [ms for _, ms in bad], marker="x", color="default" if mono else "red+")
        times = tally.times
        if times and self.size.height >= ROWS_FOR_LINES:
            for share, colour in ((0.5, "green+"), (0.95, "orange+")):
                plt.hline(call_in_words.percentile(times, share), "default" if mono else colour)
        top = max([ms for _, ms in (*good, *bad)] or [1.0]) * 1.08
        last = max(tally.wanted, 2)
        plt.xlim(1, last)
        plt.ylim(0, top)
        plt.xticks(sorted({1, *(round(last * part / 4) for part in range(1, 5))} - {0}))
        ticks = [top * part / 4 for part in range(5)]
        plt.yticks(ticks, [formatting.milliseconds(tick) if tick else "0" for tick in ticks])
        lines = "; lines: p50, p95" if self.size.height >= ROWS_FOR_LINES else ""
        plt.xlabel(f"call{'; x: failed' if bad else ''}{lines}")
        self.refresh()

    def on_resize(self) -> None:
        """Draw again: the number of rows decides what is drawn."""
        if self._tally is not None:
            self.show(self._tally)

    def render(self) -> RenderResult:
        """Render the plot, once there is room for it."""
        if self._tally is None or self.size.width < 20 or self.size.height < 5:
            return ""
        return super().render()
