"""Tells events of a journal from what only looks like one: cut, flipped or replaced files must not break readers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

MOST_EVENTS = 10**9
_TEXTS = (
    "action", "cause", "deployment", "detail", "endpoint", "event", "field", "host", "id", "line", "log", "message",
    "name", "portal_url", "principal", "reason", "remedy", "run", "scoring_uri", "severity", "source", "status", "task",
    "title", "unit", "user", "version", "why", "header", "url", "resource_id", "operation", "kind", "response", "docs",
)  # fmt: skip
_NUMBERS = (
    "seconds", "done", "total", "delay", "left", "requests", "errors", "p95_ms", "step", "steps", "pause",
    "min_requests", "max_error_percent", "max_p95_ms", "typical_seconds", "latency_ms", "status_code",
)  # fmt: skip
_MAPS = ("result", "card", "before", "after", "traffic", "statuses", "callers", "workspace", "rollout", "test")
_NEEDED = {
    "task_intent": ("operation", "resource_id"),
    "task_operation": ("header", "url"),
    "task_created": ("kind", "name"),
    "task_removed": ("kind", "name"),
    "traffic_shift": ("before", "after"),
}
_SPLITS = ("before", "after", "traffic", "statuses")


def well_formed(event: Mapping[str, Any]) -> bool:
    """Whether an event has a number, a time, a run and a kind, and members of the types that readers rely on."""
    kind, number = event.get("event"), event.get("seq")
    if type(number) is not int or not 0 < number < MOST_EVENTS or not isinstance(kind, str):
        return False
    needed = ("time", "run", *(("task",) if kind.startswith(("task_", "traffic_", "rollout_")) else ()))
    if any(event.get(name) is None for name in (*needed, *_NEEDED.get(kind, ()))):
        return False
    try:
        datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()
    except (ValueError, AttributeError, OverflowError, OSError):
        return False
    return all(_fits(name, value) for name, value in event.items() if value is not None)


def _fits(name: str, value: Any) -> bool:
    if name == "tasks":
        return isinstance(value, list) and all(isinstance(one, dict) and _task(one) for one in value)
    if name in ("deployments", "left_behind"):
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if name == "steps" and isinstance(value, list):
        return all(map(_number, value))
    if name in _MAPS:
        if name in _SPLITS and isinstance(value, dict):
            return all(map(_number, value.values()))
        return isinstance(value, dict) and all(_fits(key, one) for key, one in value.items() if one is not None)
    if name in _NUMBERS:
        return _number(value)
    return isinstance(value, str) if name in _TEXTS else True


def _task(task: Mapping[str, Any]) -> bool:
    needs = task.get("needs") or []
    named = isinstance(task.get("name"), str) and isinstance(needs, list) and all(isinstance(one, str) for one in needs)
    return named and (task.get("typical_seconds") is None or _number(task["typical_seconds"]))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 1e15
