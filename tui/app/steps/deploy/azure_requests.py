"""Collects from a run's journal the requests that its tasks sent to Azure, and the pauses of the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tui.engine.journal.run_view import seconds_of

Event = Mapping[str, Any]

_WORDS = {"create": "Create", "change": "Change", "register": "Register"}


@dataclass(frozen=True)
class AzureRequests:
    """What the journal records besides the tasks' states: `asked` has each task's requests, `attempts` its starts.

    `pauses` are the periods, in seconds since the epoch, in which no engine worked on the run.
    """

    asked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)
    pauses: tuple[tuple[float, float], ...] = ()
    versions: tuple[str, ...] = ()
    host: str = ""

    def after(self, events: Iterable[Event], heard: float) -> AzureRequests:
        """Return a copy updated with these events; `heard` is the time of the event before them."""
        asked: dict[str, tuple[str, ...]] = dict(self.asked)
        attempts, retries = dict(self.attempts), dict(self.retries)
        pauses, versions, host = list(self.pauses), list(self.versions), self.host
        for event in events:
            kind, task = event.get("event"), str(event.get("task") or "")
            if kind in ("run_started", "run_resumed"):
                now = seconds_of(event["time"])
                if kind == "run_resumed" and heard:
                    pauses.append((heard, now))
                versions += [event["version"]] if event.get("version") not in (None, *versions) else []
                host = str(event.get("host") or host)
            elif kind == "task_started":
                attempts[task] = attempts.get(task, 0) + 1
            elif kind == "task_retrying":
                retries[task] = retries.get(task, 0) + 1
            line = _line(kind, event)
            if line and line not in asked.get(task, ()):
                asked[task] = (*asked.get(task, ()), line)
            if "time" in event and kind != "task_log":
                heard = seconds_of(event["time"])
        return AzureRequests(asked, attempts, retries, tuple(pauses), tuple(versions), host)

    def paused_before(self, moment: float) -> float:
        """Return the seconds of pause before a moment."""
        return sum(max(min(end, moment) - start, 0.0) for start, end in self.pauses)


def _line(kind: Any, event: Event) -> str:
    """Describe a request to Azure; the signature in an operation's URL is omitted."""
    if kind == "task_intent":
        return f"{_WORDS.get(str(event.get('operation')), 'Request')} {event.get('resource_id', '')}"
    if kind == "task_operation":
        return f"Operation {str(event.get('url', '')).partition('?')[0]}"
    if kind == "task_created":
        return f"Created the {event.get('kind', '')} {event.get('name', '')}"
    if kind == "task_removed":
        return f"Removed the {event.get('kind', '')} {event.get('name', '')}"
    return ""
