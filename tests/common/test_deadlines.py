"""Waiting has an end, and sleep is not waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tui.common import deadlines
from tui.common.deadlines import AwakeDeadline, NoAnswer, Question


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
    deadline = AwakeDeadline(90 * 60.0)
    for _ in range(3):
        clock[0] += 3600
        assert not deadline.ended()


def test_a_question_gives_its_answer_or_its_error() -> None:
    told = threading.Event()
    assert Question(lambda: 7, 30, told.set).answer() == 7
    assert told.wait(30)
    with pytest.raises(ZeroDivisionError):
        Question(lambda: 1 // 0).answer(lambda: None)


def test_nobody_waits_longer_than_the_limit() -> None:
    never = threading.Event()
    for check in (None, lambda: None):
        with pytest.raises(NoAnswer, match=r"0\.1 seconds"):
            Question(never.wait, 0.1).answer(check)
    with pytest.raises(NoAnswer):
        Question(lambda: 7, 0.0).answer()
    never.set()


def test_the_wish_to_stop_ends_the_waiting() -> None:
    never, asked = threading.Event(), iter(range(3))

    def check() -> None:
        if next(asked) == 2:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        Question(never.wait).answer(check)
    never.set()
