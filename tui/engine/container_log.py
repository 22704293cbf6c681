"""Follows the responses of getLogs: instance status, container events, and the last lines of the container's log."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

TAILS = 8
"""How many instances' tails are remembered."""
STATUS, EVENTS, LOGS = "Instance status:", "Container events:", "Container logs:"


@dataclass(frozen=True)
class LogAnswer:
    """The parts of a getLogs response (headings as recorded by azure-powershell, 2025-11-04)."""

    status: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def parse(text: str) -> LogAnswer:
    """Split a response into its parts; a text without headings, such as a request to retry, is treated as log."""
    answer = LogAnswer()
    parts = {STATUS: answer.status, EVENTS: answer.events, LOGS: answer.lines}
    where = answer.lines
    for line in text.splitlines():
        if where is not answer.lines and line.strip() in parts:
            where = parts[line.strip()]
        elif line.strip() == STATUS and not answer.lines:
            where = answer.status
        else:
            where.append(line.rstrip())
    return answer


class Tail:
    """Finds the new lines in the tail of a text, given the tails seen before.

    Azure does not say from which instance a tail is. So the last tails that do not continue each other are all
    remembered, and a tail is joined to the one that it continues best. `gap` says whether the last one continued none.
    """

    def __init__(self) -> None:
        self._seen: deque[list[str]] = deque(maxlen=TAILS)
        self.gap = False

    def new(self, lines: list[str]) -> list[str]:
        """The lines after those already seen; all lines if none of those is left. Identical lines are not doubled."""
        while lines and not lines[-1]:
            lines = lines[:-1]
        self.gap = False
        if not lines:
            return lines
        overlaps = [_overlap(seen, lines) for seen in self._seen]
        best = max(overlaps, default=0)
        self.gap = bool(overlaps) and not best
        if best:
            del self._seen[overlaps.index(best)]
        self._seen.append(lines)
        return lines[best:]


def _overlap(seen: list[str], lines: list[str]) -> int:
    """How many lines at the end of `seen` are the first of `lines`."""
    for start, line in enumerate(seen):
        if line == lines[0] and lines[: len(seen) - start] == seen[start:]:
            return len(seen) - start
    return 0


class LogFollower:
    """Finds the new lines of a container's status, events and log, as (source, line)."""

    def __init__(self, container: str) -> None:
        self._source = "container" if container == "inference-server" else container
        self._status: list[str] = []
        self._events = Tail()
        self._lines = Tail()

    @property
    def gap(self) -> bool:
        """Whether lines may be missing before the container's last new ones."""
        return self._lines.gap

    def new(self, text: str) -> list[tuple[str, str]]:
        """The new lines of a response; status and events, which every container repeats, are taken once."""
        answer = parse(text)
        found: list[tuple[str, str]] = []
        if self._source == "container":
            found += [("service", line) for line in answer.status if line and line not in self._status]
            found += [("service", _event(line)) for line in self._events.new(answer.events) if line]
            self._status = answer.status
        return found + [(self._source, line) for line in self._lines.new(answer.lines)]


def _event(line: str) -> str:
    """`Kind: Pod, Name: Pulled, Type: Normal, Time: …, Message: …` as `Pulled: …`."""
    parts = dict(part.partition(": ")[::2] for part in line.split(", ", 4))
    if "Name" not in parts or "Message" not in parts:
        return line
    warning = "" if parts.get("Type") == "Normal" else f"{parts.get('Type')}: "
    return f"{warning}{parts['Name']}: {parts['Message']}"
