"""Waiting has an end, and sleep is not waiting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tui.engine import time_limits
from tui.engine.time_limits import Patience


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The time, which a test sets by hand."""
    now = [100.0]
    monkeypatch.setattr(time_limits.time, "monotonic", lambda: now[0])
    yield now


def test_patience_ends_after_its_seconds(clock: list[float]) -> None:
    patience = Patience(30)
    for _ in range(30):
        clock[0] += 1
        assert not patience.ended()
    clock[0] += 1
    assert patience.ended()


def test_an_hour_of_sleep_is_not_held_against_azure(clock: list[float]) -> None:
    patience = Patience(90 * time_limits.MINUTE)
    for _ in range(3):
        clock[0] += 3600
        assert not patience.ended()


def test_limits_are_told_in_words() -> None:
    assert Patience(90 * time_limits.MINUTE).words == "90 minutes"
    assert Patience(time_limits.TEST_SECONDS).words == "30 seconds"
