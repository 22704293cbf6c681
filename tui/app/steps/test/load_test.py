"""Many calls in a row or at once: their figures, and how they are asked for piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tui.app.steps.test import call_in_words
from tui.app.text import formatting

MOST_CALLS = 1000
MOST_PARALLEL = 50
PIECE_SECONDS = 0.8  # none is begun after that until the screen was told: progress, and the time a cancel may take


@dataclass(frozen=True)
class Shot:
    """One call of a load test; `latency_ms` is None where nothing answered."""

    status_code: int | None
    latency_ms: float | None
    ok: bool
    deployment: str = ""

    @property
    def outcome(self) -> str:
        """In words: the status, and whether a 200 was an error all the same."""
        if self.status_code is None:
            return "no answer"
        return "200 with an error text" if self.status_code == 200 and not self.ok else str(self.status_code)


@dataclass(frozen=True)
class Tally:
    """What a load test has shown so far. `seconds` is the time that its calls took together, as a clock has it."""

    wanted: int
    parallel: int
    pinned: str | None = None
    shots: tuple[Shot, ...] = ()
    seconds: float = 0.0
    first_bad: str = ""
    error: Mapping[str, str] = field(default_factory=dict)
    cancelled: bool = False

    def after(self, answer: Mapping[str, Any]) -> Tally:
        """The tally with one more piece, as the helper tells it."""
        more = tuple(
            Shot(call.get("status_code"), call.get("latency_ms"), bool(call.get("ok")), call.get("deployment") or "")
            for call in answer.get("calls") or ()
        )
        return replace(
            self,
            shots=self.shots + more,
            seconds=self.seconds + float(answer.get("seconds") or 0.0),
            first_bad=self.first_bad or str(answer.get("first_bad") or ""),
            error=self.error or dict(answer.get("error") or {}),
        )

    @property
    def left(self) -> int:
        """How many are still to be made."""
        return max(self.wanted - len(self.shots), 0)

    @property
    def times(self) -> list[float]:
        """Milliseconds of the calls that were answered well, in their order."""
        return [shot.latency_ms for shot in self.shots if shot.ok and shot.latency_ms is not None]

    @property
    def bad(self) -> int:
        """How many were not answered well."""
        return sum(not shot.ok for shot in self.shots)

    @property
    def percentiles(self) -> str:
        """`p50 31 ms, p95 60 ms, p99 71 ms` of the calls that were answered well; there must be some."""
        times = self.times
        found = ((name, call_in_words.percentile(times, share)) for name, share in PERCENTILES)
        return ", ".join(f"{name} {formatting.milliseconds(value)}" for name, value in found)

    def progress(self) -> str:
        """`▸ 37 of 200, 12 a second, 14 s left`."""
        done = len(self.shots)
        words = f"{done:,} of {self.wanted:,}"
        if done and self.seconds > 0.2:
            rate = done / self.seconds
            words += f", {rate:,.0f} a second" if rate >= 10 else f", {rate:.1f} a second"
            if self.left and not self.cancelled:
                words += f", {formatting.running(self.left / rate)} left"
        return words

    def figures(self) -> list[tuple[str, str]]:
        """Name and value of everything that was measured."""
        rows: list[tuple[str, str]] = []
        times = self.times
        if times:
            fastest, slowest = formatting.milliseconds(min(times)), formatting.milliseconds(max(times))
            rows.append(("Latency", f"{self.percentiles}; from {fastest} to {slowest}"))
        if self.shots:
            rows.append(("Answers", _counted(Counter(shot.outcome for shot in self.shots))))
            by = Counter(shot.deployment for shot in self.shots if shot.deployment)
            if by:
                rows.append(("Answered by", _counted(by)))
        if self.error:
            rows.append(("No answer", f"{self.error.get('title', '')}. {self.error.get('cause', '')}".strip()))
        if self.first_bad:
            rows.append(("First error", formatting.plain(self.first_bad)))
        return rows

    def in_words(self) -> str:
        """One line: `✔ 200 calls, 4 at a time: p50 31 ms, p95 60 ms, p99 71 ms`, and how many failed."""
        done = len(self.shots)
        if not done:
            return f"✖ {self.error['title']}" if self.error.get("title") else "! No call was made"
        at_once = f", {self.parallel} at a time" if self.parallel > 1 else ""
        stopped = ", cancelled" if self.cancelled else ""
        failed = f", {self.bad} failed" if self.bad else ""
        if not self.times:
            return f"✖ None of {formatting.count(done, 'call')}{at_once} was answered well{stopped}"
        sign = "!" if self.bad else "✔"
        return f"{sign} {formatting.count(done, 'call')}{at_once}{failed}{stopped}: {self.percentiles}"

    def text(self) -> str:
        """Everything as plain text, to take away; with the milliseconds of every call."""
        rows = [("Calls", self.progress() + (", cancelled" if self.cancelled else ""))]
        rows += [("At a time", str(self.parallel)), ("Sent", f"to {self.pinned}" if self.pinned else "as routed")]
        rows += self.figures()
        lines = [f"{name + ':' if name else '':13}{value}" for name, value in rows]
        each = "\n".join(
            f"{number}\t{shot.outcome}\t{'' if shot.latency_ms is None else shot.latency_ms}\t{shot.deployment}"
            for number, shot in enumerate(self.shots, 1)
        )
        return "\n".join(lines) + f"\n\ncall\tstatus\tms\tdeployment\n{each}\n"


PERCENTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def _counted(found: Counter[str]) -> str:
    """`200: 180, 429: 15`, the most frequent first."""
    return ", ".join(f"{name}: {number:,}" for name, number in found.most_common())


def judged(count: str, parallel: str) -> tuple[int, int, str]:
    """Number of calls and how many at a time from what was typed, and a sentence where that cannot be (else empty)."""
    limits: Sequence[tuple[str, str, int]] = (("Calls", count, MOST_CALLS), ("At a time", parallel, MOST_PARALLEL))
    for name, typed, most in limits:
        if not typed.strip().isdecimal() or not 1 <= int(typed) <= most:
            return 0, 0, f"{name} is a whole number from 1 to {most:,}."
    number, at_once = int(count), int(parallel)
    return number, min(at_once, number), ""
