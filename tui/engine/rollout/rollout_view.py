"""A rollout as its events tell it, and in words: who gets the requests now, what was watched, what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tui.plan.rules.durations import words as time_words
from tui.plan.traffic import in_words

_PLANNED = ("deployment", "pause", "max_error_percent", "max_p95_ms", "min_requests")
_WATCHED = ("deployment", "step", "steps", "traffic", "requests", "errors", "statuses", "p95_ms", "callers", "left")


@dataclass(frozen=True)
class RolloutView:
    """A deployment that takes over requests: who gets how much now, what was measured, and why it went back.

    `planned` are the shares in per cent, step by step, `pause` how many seconds each is watched and `left` how many of
    them are left of this one. `step` is 0 while it gets copies of requests only; `callers` is what Azure Monitor
    counted, if it did. `began` tells that requests were moved or copied, or are about to be.
    """

    deployment: str = ""
    step: int = 0
    steps: int = 0
    before: dict[str, int] = field(default_factory=dict)
    traffic: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    errors: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    p95_ms: float | None = None
    callers: dict[str, Any] | None = None
    back: bool = False
    why: str = ""
    planned: tuple[int, ...] = ()
    pause: float = 0.0
    left: float | None = None
    max_error_percent: int | None = None
    max_p95_ms: int | None = None
    min_requests: int = 0
    began: bool = False

    @classmethod
    def of_plan(cls, planned: Mapping[str, Any]) -> RolloutView:
        """What `run_started` tells of it."""
        known = {name: planned[name] for name in _PLANNED if planned.get(name) is not None}
        steps = tuple(planned.get("steps") or ())
        return cls(planned=steps, steps=len(steps), **known)

    def shifted(self, event: Mapping[str, Any]) -> RolloutView:
        """After `traffic_shift`."""
        changes = {key: event[key] for key in ("step", "steps") if key in event}
        back, why = bool(event.get("back")), str(event.get("why") or "")
        fresh: dict[str, Any] = {"requests": 0, "errors": 0, "statuses": {}, "p95_ms": None, "left": None}
        if back:  # what was measured is the reason
            fresh = {"left": None}
        return replace(
            self, before=event["before"], traffic=event["after"], back=back, why=why, began=True, **fresh, **changes
        )

    def watched(self, event: Mapping[str, Any]) -> RolloutView:
        """After `rollout_watch`."""
        return replace(self, began=True, **{name: event[name] for name in _WATCHED if name in event})

    @property
    def split_words(self) -> str:
        """Who gets the requests: blue 90 %, green 10 %."""
        return shares(self.traffic)

    @property
    def step_words(self) -> str:
        """Which step it is."""
        if self.back:
            return "back"
        return f"step {self.step} of {self.steps}" if self.step else "copies only"

    @property
    def watched_words(self) -> str:
        """What the test requests of this step showed, and what Azure counted of callers."""
        if not self.requests:
            return "no answer watched yet"
        codes = ", ".join(f"{_code(code)} × {count}" for code, count in sorted(self.statuses.items()))
        quick = "" if self.p95_ms is None else f"; 95 of 100 within {self.p95_ms:,.0f} ms"
        said = f"{self.requests} test requests: {codes}{quick}"
        if self.callers:
            said += f"; callers: {self.callers.get('errors', 0)} of {self.callers.get('requests', 0)} failed"
        return said

    @property
    def next_words(self) -> str:
        """What happens next, and on which condition."""
        if self.back:
            return "the split of before is brought back, and the run ends"
        at = min(self.step, len(self.planned))
        what = f"{self.planned[at]} % go to {self.deployment}" if at < len(self.planned) else "the rollout ends"
        left = self.pause if self.left is None else self.left
        when = f"in {time_words(max(round(left), 1))}" if left > 0 else f"after {self.min_requests} answers"
        return f"{what} {when}{self._condition}; else the split of before comes back"

    @property
    def _condition(self) -> str:
        parts = []
        if self.max_error_percent is not None:
            parts.append(f"at most {self.max_error_percent} % fail")
        if self.max_p95_ms is not None:
            parts.append(f"95 of 100 come within {self.max_p95_ms:,} ms")
        return f", if {' and '.join(parts)}" if parts else ""


def shares(split: Mapping[str, int]) -> str:
    """Who gets the requests, for people: blue 90 %, green 10 %; or nobody."""
    return in_words(split, none="nobody")


def _code(status: str) -> str:
    return "no answer" if status == "none" else status
