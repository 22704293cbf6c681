"""Load tests: the results of many sequential or concurrent calls, made in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tui.app.steps.test import call_in_words
from tui.app.text import formatting

MOST_CALLS = 1000
MOST_PARALLEL = 50
# No call of a batch starts later than this: it bounds the time between progress updates, and for a cancel.
PIECE_SECONDS = 0.8


@dataclass(frozen=True)
class Shot:
    """One call of a load test; `latency_ms` is None without a response, `at` its end in seconds of the load test."""

    status_code: int | None
    latency_ms: float | None
    ok: bool
    deployment: str = ""
    at: float = 0.0
    timed_out: bool = False

    @property
    def outcome(self) -> str:
        """The status as text; a 200 response with an error body is named as such."""
        if self.status_code is None:
            return "timeout" if self.timed_out else "no response"
        return "200 with an error body" if self.status_code == 200 and not self.ok else str(self.status_code)

    @property
    def failure(self) -> str:
        """The kind of failure, one of FAILURES; empty if the call succeeded."""
        if self.ok:
            return ""
        if self.timed_out or self.status_code in (408, 504):
            return "timeout"
        if self.status_code is None:
            return "no response"
        return f"{self.status_code // 100}xx" if 400 <= self.status_code < 600 else "error body"


FAILURES = ("error body", "4xx", "5xx", "timeout", "no response")
"""The kinds of failures; the first are responses with status 200 whose body is an error."""


@dataclass(frozen=True)
class Tally:
    """The results of a load test so far. `seconds` is the elapsed wall-clock time of its calls."""

    wanted: int
    parallel: int
    pinned: str | None = None
    shots: tuple[Shot, ...] = ()
    seconds: float = 0.0
    first_bad: str = ""
    error: Mapping[str, str] = field(default_factory=dict)
    cancelled: bool = False

    def after(self, answer: Mapping[str, Any]) -> Tally:
        """Return the tally with another batch added, from the helper's answer."""
        more = tuple(
            Shot(
                call.get("status_code"), call.get("latency_ms"), bool(call.get("ok")), call.get("deployment") or "",
                self.seconds + float(call.get("ended") or 0.0), bool(call.get("timed_out")),
            )
            for call in answer.get("calls") or ()
        )  # fmt: skip
        return replace(
            self,
            shots=self.shots + more,
            seconds=self.seconds + float(answer.get("seconds") or 0.0),
            first_bad=self.first_bad or str(answer.get("first_bad") or ""),
            error=self.error or dict(answer.get("error") or {}),
        )

    @property
    def left(self) -> int:
        """The number of calls still to be made."""
        return max(self.wanted - len(self.shots), 0)

    @property
    def times(self) -> list[float]:
        """The latencies of the successful calls in milliseconds, in order."""
        return [shot.latency_ms for shot in self.shots if shot.ok and shot.latency_ms is not None]

    @property
    def bad(self) -> int:
        """The number of failed calls."""
        return sum(not shot.ok for shot in self.shots)

    @property
    def percentiles(self) -> str:
        """Percentiles of the successful calls: `p50 31 ms, p95 60 ms, p99 71 ms`; needs at least one."""
        times = self.times
        found = ((name, call_in_words.percentile(times, share)) for name, share in PERCENTILES)
        return ", ".join(f"{name} {formatting.milliseconds(value)}" for name, value in found)

    def progress(self) -> str:
        """Return the progress: `37 of 200, 12 a second, 14 s left`."""
        words = f"{len(self.shots):,} of {self.wanted:,}"
        if self.rate:
            words += f", {self.rate}"
            if self.left and not self.cancelled:
                words += f", {formatting.running(self.left * self.seconds / len(self.shots))} left"
        return words

    @property
    def rate(self) -> str:
        """The calls per second: `12 a second`; empty for too short a time."""
        if not self.shots or self.seconds <= 0.2:
            return ""
        rate = len(self.shots) / self.seconds
        return f"{rate:,.0f} a second" if rate >= 10 else f"{rate:.1f} a second"

    def figures(self) -> list[tuple[str, str]]:
        """Return name and value of each result."""
        rows: list[tuple[str, str]] = []
        times = self.times
        if times:
            fastest, slowest = formatting.milliseconds(min(times)), formatting.milliseconds(max(times))
            rows.append(("Latency", f"{self.percentiles}; from {fastest} to {slowest}"))
        if self.shots:
            failed = f"{100 * self.bad / len(self.shots):.3g} % failed" if self.bad else ""
            told = ", ".join(part for part in (self.rate, failed) if part)
            rows.append(
                ("Status", f"{told}{'; ' * bool(told)}{_counted(Counter(shot.outcome for shot in self.shots))}")
            )
            by = Counter(shot.deployment for shot in self.shots if shot.deployment)
            if by:
                rows.append(("Served by", _counted(by)))
        if self.error:
            rows.append(("No response", f"{self.error.get('title', '')}. {self.error.get('cause', '')}".strip()))
        if self.first_bad:
            rows.append(("First error", formatting.plain(self.first_bad)))
        return rows

    def in_words(self) -> str:
        """Return one line: `✔ 200 calls, 4 concurrent: p50 31 ms, p95 60 ms, p99 71 ms`, and the number of failures."""
        done = len(self.shots)
        if not done:
            return f"✖ {self.error['title']}" if self.error.get("title") else "! No call was made"
        at_once = f", {self.parallel} concurrent" if self.parallel > 1 else ""
        stopped = ", cancelled" if self.cancelled else ""
        failed = f", {self.bad} failed" if self.bad else ""
        if not self.times:
            return f"✖ None of {formatting.count(done, 'call')}{at_once} succeeded{stopped}"
        sign = "!" if self.bad else "✔"
        return f"{sign} {formatting.count(done, 'call')}{at_once}{failed}{stopped}: {self.percentiles}"

    def text(self) -> str:
        """Return all results as plain text, with the latency of every call."""
        rows = [("Calls", self.progress() + (", cancelled" if self.cancelled else ""))]
        rows += [
            ("Concurrent", str(self.parallel)),
            ("Sent", f"to {self.pinned}" if self.pinned else "by traffic split"),
        ]
        rows += self.figures()
        lines = [f"{name + ':' if name else '':13}{value}" for name, value in rows]
        each = "\n".join(
            f"{number}\t{shot.outcome}\t{'' if shot.latency_ms is None else shot.latency_ms}\t{shot.deployment}"
            f"\t{shot.at:.3f}"
            for number, shot in enumerate(self.shots, 1)
        )
        return "\n".join(lines) + f"\n\ncall\tstatus\tms\tdeployment\tended after s\n{each}\n"


PERCENTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


def _counted(found: Counter[str]) -> str:
    """Format counts: `200: 180, 429: 15`, the most frequent first."""
    return ", ".join(f"{name}: {number:,}" for name, number in found.most_common())


def checked_numbers(count: str, parallel: str) -> tuple[int, int, str]:
    """Parse the typed number of calls and of concurrent calls; the third item is an error sentence, or empty."""
    limits: Sequence[tuple[str, str, int]] = (("Calls", count, MOST_CALLS), ("Concurrent", parallel, MOST_PARALLEL))
    for name, typed, most in limits:
        if not typed.strip().isdecimal() or not 1 <= int(typed) <= most:
            return 0, 0, f"{name} must be a whole number from 1 to {most:,}."
    number, at_once = int(count), int(parallel)
    return number, min(at_once, number), ""
