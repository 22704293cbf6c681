"""Follows what Azure answers to getLogs: always a status, the container's events, and the last lines of its log."""

from __future__ import annotations

from dataclasses import dataclass, field

STATUS, EVENTS, LOGS = "Instance status:", "Container events:", "Container logs:"


@dataclass(frozen=True)
class LogAnswer:
    """The parts of an answer of getLogs (their headings were recorded by azure-powershell, 2025-11-04)."""

    status: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def parse(text: str) -> LogAnswer:
    """The parts of an answer; a text without the headings, such as a request to try again later, is all log."""
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
    """Finds what is new in the tail of a text of which an earlier tail was seen."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def new(self, lines: list[str]) -> list[str]:
        """The lines that come after what was seen; all of them when nothing of it is there any more."""
        while lines and not lines[-1]:
            lines = lines[:-1]
        seen, self._seen = self._seen, lines
        for start in range(len(seen)):
            overlap = len(seen) - start
            if lines[:overlap] == seen[start:]:
                return lines[overlap:]
        return lines


class LogFollower:
    """What is new in a container's status, events and log, as (source, line)."""

    def __init__(self, container: str) -> None:
        self._source = "container" if container == "inference-server" else container
        self._status: list[str] = []
        self._events = Tail()
        self._lines = Tail()

    def new(self, text: str) -> list[tuple[str, str]]:
        """The new lines of an answer; status and events, which every container repeats, come from the first only."""
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
