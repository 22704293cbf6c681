"""The limits of a run, as people read them."""

from __future__ import annotations

from tui.engine import time_limits
from tui.plan.rules.durations import words


def test_limits_are_told_in_words() -> None:
    assert words(90 * time_limits.MINUTE) == "90 minutes"
    assert words(time_limits.TEST_SECONDS) == "30 seconds"
