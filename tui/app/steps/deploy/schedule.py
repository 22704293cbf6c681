"""Computes the time axis of a run's tasks: completed, in progress and expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tui.app.steps.deploy.follow_run import RunSnapshot
from tui.app.text import formatting
from tui.engine.journal.run_view import RunView, TaskView

# Allowed lengths of the axis, in seconds, so that it does not change every second.
_LENGTHS = (10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200)
HEAVY, HEAVY_RIGHT, HEAVY_LEFT, EXPECTED, USUAL = "━", "╺", "╸", "┄", "│"


@dataclass(frozen=True)
class Span:
    """A task on the axis, in seconds since the run's start.

    It started at `start`, has lasted until `now` (equal to `start` if waiting), and is expected to end at `end`; in
    earlier runs it ended at `usual` (0 if that is unknown).
    """

    start: float
    now: float
    end: float
    usual: float = 0.0


def expected_seconds(view: RunView) -> float:
    """Return the typical duration of the whole run, the longest chain of dependent tasks; 0 if unknown."""
    ends: dict[str, float] = {}
    for task in view.tasks:
        start = max((ends.get(need, 0.0) for need in task.needs), default=0.0)
        ends[task.name] = start + task.expected_seconds
    return max(ends.values(), default=0.0)


def spans(snapshot: RunSnapshot) -> dict[str, Span]:
    """Return every task's span by name. A waiting task starts when the last one it needs is expected to end."""
    found: dict[str, Span] = {}
    now = snapshot.elapsed()
    for task in snapshot.view.tasks:
        found[task.name] = _span(task, snapshot, now, found)
    return found


def _span(task: TaskView, snapshot: RunSnapshot, now: float, before: Mapping[str, Span]) -> Span:
    expected = task.expected_seconds
    if task.started is not None and task.status != "waiting":
        start = snapshot.at(task.started)
        usual = start + task.usual.seconds if task.usual else 0.0
        if task.seconds is not None:
            return Span(start, start + task.seconds, start + task.seconds, usual)
        return Span(start, now, now if snapshot.over else max(now, start + expected), usual)
    needed = (before[need].end for need in task.needs if need in before)
    start = max((*needed, now), default=now)
    return Span(start, start, start if snapshot.over else start + expected)


def axis_length(spans: Mapping[str, Span], elapsed: float) -> float:
    """Return a length in seconds that contains all spans and rarely changes."""
    needed = max(elapsed, *(span.end for span in spans.values()), 1.0) if spans else max(elapsed, 1.0)
    for length in _LENGTHS:
        if needed <= length:
            return float(length)
    return -(-needed // 3600) * 3600.0


def bar(span: Span, length: float, width: int) -> str:
    """Draw a span in `width` cells: `  ╺━━┄┄  `; half cells show which of two tasks started first.

    A task that takes longer than usual goes on behind a mark: `  ╺━━│━  `.
    """
    halves = 2 * width
    start = min(int(span.start / length * halves), halves - 1)
    done = min(max(round(span.now / length * halves), start + 1), halves) if span.now > span.start else start
    end = min(max(round(span.end / length * halves), done), halves) if span.end > span.now else done
    drawn = []
    for cell in range(width):
        left, right = start <= 2 * cell < done, start <= 2 * cell + 1 < done
        if left or right:
            drawn.append(HEAVY if left and right else HEAVY_LEFT if left else HEAVY_RIGHT)
        else:
            drawn.append(EXPECTED if 2 * cell >= done and done <= 2 * cell < end else " ")
    usual = int(span.usual / length * width)
    if start // 2 < usual < done // 2:
        drawn[usual] = USUAL
    return "".join(drawn)


def axis(length: float, width: int) -> str:
    """Return the labels of the axis: its start, its middle if there is room, and its end."""
    end, middle = formatting.running(length), formatting.running(length / 2)
    cells = [" "] * width

    def write(at: int, text: str) -> None:
        cells[at : at + len(text)] = text

    write(0, "0")
    if width >= 24:
        write(width // 2 - len(middle) // 2, middle)
    if width >= len(end) + 3:
        write(width - len(end), end)
    return "".join(cells)
