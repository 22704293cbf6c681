"""Waiting has an end, and sleep is not waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tui.common import deadlines
from tui.common.deadlines import AwakeDeadline
from tui.engine import time_limits
from tui.plan.rules.durations import words


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which a test sets by hand."""
    now = [100.0]
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: now[0])
    yield now


def test_a_deadline_ends_after_its_seconds(clock: list[float]) -> None:
    deadline = AwakeDeadline(30)
    for _ in range(30):
        clock[0] += 1
        assert not deadline.ended()
    clock[0] += 1
    assert deadline.ended()


def test_an_hour_of_sleep_is_not_held_against_azure(clock: list[float]) -> None:
    deadline = AwakeDeadline(90 * time_limits.MINUTE)
    for _ in range(3):
        clock[0] += 3600
        assert not deadline.ended()


def test_limits_are_told_in_words() -> None:
    assert words(90 * time_limits.MINUTE) == "90 minutes"
    assert words(time_limits.TEST_SECONDS) == "30 seconds"
