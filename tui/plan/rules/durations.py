"""Durations in a plan: seconds as a number, or a text such as 90s, 30m or 1h30m."""

from __future__ import annotations

import re
from typing import Any

_FORM = re.compile(
    r"^(?:(?P<h>\d+)\s*h)?\s*(?:(?P<m>\d+)\s*m(?:in)?)?\s*(?:(?P<s>\d+(?:\.\d+)?)\s*s?)?$", re.IGNORECASE
)


def seconds_of(value: Any) -> float | None:
    """Convert a number or a text to seconds; None if it is not a duration."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value)
    found = _FORM.match(str(value).strip())
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (float(found[part] or 0) for part in "hms")
    return hours * 3600 + minutes * 60 + seconds


def words(seconds: float) -> str:
    """Format a duration for display: 45 seconds, 5 minutes."""
    if seconds >= 120:
        return f"{seconds / 60:.0f} minutes"
    return "1 second" if seconds == 1 else f"{seconds:g} seconds"
