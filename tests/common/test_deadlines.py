"""Waiting has an end, and sleep is not waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tui.common import deadlines
from tui.common.deadlines import AwakeDeadline, NoAnswer, Question, over, pause, until


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


def test_a_threads_waits_end_with_its_own_limit_or_stop() -> None:
    stop, never = threading.Event(), threading.Event()
    with until(stop.is_set), until(lambda: False):
        assert not over()
        pause(0.01)
        threading.Timer(0.05, stop.set).start()
        pause(600)
        assert over()
        with pytest.raises(NoAnswer):
            Question(never.wait, 600).answer()
    assert not over()


def test_an_answer_that_is_there_is_given_although_waiting_is_over() -> None:
    question, told = Question(lambda: 7), threading.Event()
    assert question.answer() == 7
    with until(lambda: True):
        assert question.answer() == 7
        Question(told.set)
    assert told.wait(30)
