"""The state of a rollout, computed from its events, and its description: split, measurements, next step."""

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
    """The state of a rollout: the current split, what was measured, and why it was rolled back.

    `planned` are the shares in per cent, step by step; `pause` is how many seconds each step is watched, `left` how
    many of them remain. `step` is 0 while there is only mirrored traffic; `callers` are Azure Monitor's figures.
    `began` is whether traffic was shifted or mirrored, or is about to be.
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
        """The state at `run_started`, before the first step."""
        known = {name: planned[name] for name in _PLANNED if planned.get(name) is not None}
        steps = tuple(planned.get("steps") or ())
        return cls(planned=steps, steps=len(steps), **known)

    def shifted(self, event: Mapping[str, Any]) -> RolloutView:
        """The state after a `traffic_shift` event."""
        changes = {key: event[key] for key in ("step", "steps") if key in event}
        back, why = bool(event.get("back")), str(event.get("why") or "")
        fresh: dict[str, Any] = {"requests": 0, "errors": 0, "statuses": {}, "p95_ms": None, "left": None}
        if back:  # keep the measurements, which are the reason
            fresh = {"left": None}
        return replace(
            self, before=event["before"], traffic=event["after"], back=back, why=why, began=True, **fresh, **changes
        )

    def watched(self, event: Mapping[str, Any]) -> RolloutView:
        """The state after a `rollout_watch` event."""
        return replace(self, began=True, **{name: event[name] for name in _WATCHED if name in event})

    @property
    def split_words(self) -> str:
        """The current split: blue 90 %, green 10 %."""
        return in_words(self.traffic)

    @property
    def step_words(self) -> str:
        """The current step: step 2 of 3."""
        if self.back:
            return "back"
        return f"step {self.step} of {self.steps}" if self.step else "mirrored traffic only"

    @property
    def watched_words(self) -> str:
        """The results of this step's test requests, and Azure's figures for callers."""
        if not self.requests:
            return "no answers yet"
        codes = ", ".join(f"{_code(code)} × {count}" for code, count in sorted(self.statuses.items()))
        quick = "" if self.p95_ms is None else f"; p95 {self.p95_ms:,.0f} ms"
        said = f"{self.requests} test request{'s' * (self.requests != 1)}: {codes}{quick}"
        if self.callers:  # Azure Monitor's totals are floating-point numbers
            said += f"; callers: {self.callers.get('errors', 0):.0f} of {self.callers.get('requests', 0):.0f} failed"
        return said

    @property
    def next_words(self) -> str:
        """The next step and its condition."""
        if self.back:
            return "the previous split is restored, and the run ends"
        at = min(self.step, len(self.planned))
        what = f"{self.planned[at]} % go to {self.deployment}" if at < len(self.planned) else "the rollout ends"
        left = self.pause if self.left is None else self.left
        when = f"in {time_words(max(round(left), 1))}" if left > 0 else f"after {self.min_requests} answers"
        return f"{what} {when}{self._condition}; else the previous split is restored"

    @property
    def _condition(self) -> str:
        parts = []
        if self.max_error_percent is not None:
            parts.append(f"at most {self.max_error_percent} % fail")
        if self.max_p95_ms is not None:
            parts.append(f"p95 is at most {self.max_p95_ms:,} ms")
        return f", if {' and '.join(parts)}" if parts else ""


def _code(status: str) -> str:
    return "no answer" if status == "none" else status
