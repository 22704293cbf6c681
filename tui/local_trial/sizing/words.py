"""The sentences of a recommendation; each says whether it was measured, or is an estimate, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui.local_trial.load.measured import Measured, Point
from tui.local_trial.sizing.curve import FAILED, Way
from tui.local_trial.verdict import in_bytes, in_seconds

ENOUGH = 100
"""With fewer requests, a p95 is that of a handful of them."""
IDLE = 2.0
"""A request that takes this many times its processor time, or more, waits for something."""
MEASURED, ESTIMATE, LISTED = "measured", "estimate", "listed"


@dataclass(frozen=True)
class Line:
    """A statement: `basis` is measured (here), estimate (for another processor or load) or listed (by Microsoft)."""

    basis: str
    text: str


def rate(value: float) -> str:
    """Requests a second with three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def ms(value: float) -> str:
    """Milliseconds with a digit after the point only where it counts."""
    return f"{value:,.0f} ms" if value >= 10 else f"{value:.1f} ms"


def money(value: float, currency: str) -> str:
    """An amount with three significant digits below 1."""
    return f"{value:,.2f} {currency}" if value >= 1 else f"{value:.3g} {currency}"


def cores(value: float) -> str:
    """A number of cores, which can be a fraction."""
    return f"{value:g} core{'' if value == 1 else 's'}"


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is 1."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def about(measured: Measured, ways: list[Way], limit: float) -> Iterator[Line]:
    """What was measured: on what, with how many requests, and each way's rate within the limit."""
    number = sum(point.requests for point in measured.points)
    kept = {"container": "limited by its container", "affinity": "kept to them by CPU affinity"}
    limited = kept.get(measured.limited_by, "not limited to them")
    small, large = measured.request_bytes
    size = f"{small:,} bytes" if small == large else f"{small:,} to {large:,} bytes"
    origin = {"sample": "the plan's sample", "file": "a file of requests", "signature": "the model's signature"}
    spread = "" if measured.spread is None else f"; repeated points differ by {measured.spread * 100:.0f} %"
    calls, seconds = measured.warm_up
    where = f"{cores(measured.cores)} of this machine ({measured.processor or 'processor unknown'}), {limited}"
    sent = f"{counted(number, 'request')} from {origin.get(measured.source, measured.source)}, {size}"
    warm = f"{counted(calls, 'call')} in {in_seconds(seconds)} of warm-up left out{spread}"
    yield Line(MEASURED, f"{measured.deployment} on {where}: {sent}; {warm}.")
    for way in ways:
        yield Line(MEASURED, _about(way, limit))
    kept_up = {(way.workers, way.concurrency) for way in ways}
    for point in sorted(measured.points, key=lambda one: one.rate):
        if (point.workers, point.concurrency) not in kept_up:
            kept_up.add((point.workers, point.concurrency))
            share = point.failed / max(1, point.requests)
            why = f"{share * 100:.0f} % of the requests got no answer"
            if share <= FAILED:
                why = f"it answered {rate(point.answered)}"
            text = f"{_ways(point)}: did not keep up with {rate(point.rate)} requests a second; {why}."
            yield Line(MEASURED, text)
    first = ways[0].points[0]
    if first.cpu_ms is not None and first.p50_ms > IDLE * first.cpu_ms / min(1.0, measured.cores):
        text = (
            f"A request takes {ms(first.p50_ms)} and uses {ms(first.cpu_ms)} of the processor: run() waits, or other "
        )
        yield Line(MEASURED, f"{text}programs were busy. In that case measure again on a quiet machine.")
    if measured.blocked is not None:
        text = "A worker answers one request at a time: run() blocks."
        yield Line(MEASURED, text if measured.blocked else "A worker answers several requests at a time.")
    memory = measured.memory
    parts = [
        f"{in_bytes(count)} {what}"
        for count, what in (
            (memory.rest_bytes, "at rest with one worker"),
            (memory.worker_bytes, "for each further worker"),
            (memory.peak_bytes, "at most under load"),
        )
        if count is not None
    ]
    yield Line(MEASURED, f"Memory: {', '.join(parts) or 'not known on this system, so no size is excluded by it'}.")
    if measured.ready_seconds is not None:
        yield Line(MEASURED, f"Ready {in_seconds(measured.ready_seconds)} after the container's start.")


def _ways(of: Way | Point) -> str:
    return f"{counted(of.workers, 'worker')}, {counted(of.concurrency, 'concurrent request')}"


def _about(way: Way, limit: float) -> str:
    held = way.holds(limit)
    what = _ways(way)
    least = min(point.requests for point in way.points)
    few = "" if least >= ENOUGH else f" (of {counted(least, 'request')} only)"
    rest = f"p95 {ms(way.rest_ms)}{few} at {rate(way.points[0].rate)} requests a second"
    cpu = "" if way.cpu_ms is None else f"; {ms(way.cpu_ms)} of processor time a request"
    if not held:
        return f"{what}: {rest}, above the limit of {ms(limit)} even there{cpu}."
    more = " (the highest measured)" if held >= way.highest else ""
    return (
        f"{what}: {rest}; p95 within {ms(limit)} up to {rate(held)} requests a second{more}, "
        f"at most {rate(way.capacity)} answers a second{cpu}."
    )
