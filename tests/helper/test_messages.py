"""The lines between a front end and the helper: which answer belongs to which question, and what is no answer."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from tui.helper import __main__ as helper
from tui.helper import client
from tui.helper.client import HelperClient, HelperError


def line(**message: Any) -> bytes:
    return json.dumps(message).encode()


async def waiting(asked: HelperClient, *numbers: int) -> list[asyncio.Future[Any]]:
    answers = [asyncio.get_running_loop().create_future() for _ in numbers]
    asked._waiting.update(zip(numbers, answers))
    return answers


async def test_answers_reach_their_questions_in_any_order() -> None:
    asked = HelperClient({})
    first, second, third = await waiting(asked, 1, 2, 3)
    asked._deliver(line(id=2, result={"a": 1}))
    asked._deliver(line(id=1, result=None))
    asked._deliver(line(id=9, result="of nobody"))
    asked._deliver(b"no json\n")
    assert (await second, await first) == ({"a": 1}, None)
    assert not third.done()


async def test_progress_is_passed_on_and_is_a_sign_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    now, told, asked = [0.0], [], HelperClient({})

    sent = asyncio.Event()

    async def drained() -> None:
        sent.set()

    async def process() -> Any:
        return SimpleNamespace(stdin=SimpleNamespace(write=lambda line: None, drain=drained))

    monkeypatch.setattr(client, "monotonic", lambda: now[0])
    monkeypatch.setattr(asked, "_ensure", process)
    asking = asyncio.create_task(asked.ask("changes", timeout=0.01, progress=lambda *counts: told.append(counts)))
    await sent.wait()
    for reached in (1, 2, 3):  # each longer than the limit after the one before
        now[0] += 0.009
        asked._deliver(line(id=1, progress=[reached, 9]))
        await asyncio.sleep(0.02)
        assert not asking.done()
    asked._deliver(line(id=2, progress=[1, 9]))
    asked._deliver(line(id=1, progress=3))
    now[0] += 0.011
    with pytest.raises(HelperError, match="There was no answer in time"):
        await asking
    assert told == [(1, 9), (2, 9), (3, 9)] and not asked._hearing


def test_only_progress_that_is_made_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    now, sent = [0.0], []
    monkeypatch.setattr(helper, "monotonic", lambda: now[0])
    tell = helper._progress(7, sent.append)
    for seconds, done in ((0.5, 1), (0.6, 2), (0.7, 3), (2.0, 2), (9.0, 2), (1.0, 9)):
        now[0] += seconds
        tell(done, 9)
    assert sent == [{"id": 7, "progress": [2, 9]}, {"id": 7, "progress": [9, 9]}]


async def test_an_answer_that_comes_too_late_or_twice_is_dropped() -> None:
    asked = HelperClient({})
    late, first = await waiting(asked, 1, 2)
    late.cancel()
    asked._deliver(line(id=1, result=1))
    asked._deliver(line(id=2, result=1))
    asked._deliver(line(id=2, error={"title": "again"}))
    assert late.cancelled()
    assert await first == 1


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        ({"title": "T", "cause": "C", "remedy": "R", "raw": "W", "code": "X"}, ("T", "C", "R", "W", "X")),
        ({}, ("The question failed", "", "", "", None)),
        ({"title": "T", "cause": None, "raw": None}, ("T", "", "", "", None)),
    ],
)
async def test_an_error_is_raised_with_its_parts(error: dict[str, Any], parts: tuple[Any, ...]) -> None:
    asked = HelperClient({})
    (answer,) = await waiting(asked, 1)
    asked._deliver(line(id=1, error=error))
    with pytest.raises(HelperError) as caught:
        await answer
    told = caught.value
    assert (told.title, told.cause, told.remedy, told.raw, told.code) == parts


@pytest.mark.parametrize(("cause", "text"), [("", "Title"), ("Cause.", "Title. Cause.")])
def test_an_error_in_words(cause: str, text: str) -> None:
    assert str(HelperError("Title", cause)) == text


async def test_when_the_helper_ends_only_open_questions_fail() -> None:
    asked = HelperClient({})
    done, still = await waiting(asked, 1, 2)
    done.set_result("there")
    asked._fail_all(HelperError("Ended"))
    assert await done == "there"
    with pytest.raises(HelperError):
        await still


async def test_without_a_process_there_is_nothing_to_close_and_no_id() -> None:
    asked = HelperClient({})
    assert (asked.running, asked.pid) == (False, None)
    await asked.close()


async def test_a_question_that_is_not_answered_in_time_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is one that reads and says nothing."""
    asked = HelperClient({})
    sent = io.BytesIO()

    class Input:
        def write(self, data: bytes) -> None:
            sent.write(data)

        async def drain(self) -> None:
            raise BrokenPipeError

    class Process:
        stdin = Input()

    async def ensure() -> Any:
        return Process()

    monkeypatch.setattr(asked, "_ensure", ensure)
    for number in (1, 2):
        with pytest.raises(HelperError) as caught:
            await asked.ask("cost", timeout=0.001, plan={})
        assert caught.value.code == "Timeout"
        assert json.loads(sent.getvalue().splitlines()[-1]) == {"id": number, "ask": "cost", "with": {"plan": {}}}
    assert asked._waiting == {}, "an answer that comes later is dropped"


def test_an_answer_may_be_large() -> None:
    """A log of each deployment and a long activity log are answers of several megabytes."""
    assert client._LINE_LIMIT == 64 * 1024 * 1024


def test_what_is_no_request_is_answered_and_the_next_line_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "",
        "  ",
        "no json",
        "[]",
        '{"id": 1}',
        '{"id": 2, "ask": "one"}',
        '{"id": 3, "ask": "two", "with": {"a": 1}}',
    ]
    answers = io.StringIO()
    monkeypatch.setattr(helper, "_guard_stdout", lambda: answers)
    sent = "\n".join(lines) + "\n" + "x" * 500 + "\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(sent.encode())))
    asked: list[Any] = []

    def ask(name: str, arguments: dict[str, Any], progress: Any, part: Any) -> dict[str, Any]:
        asked.append((name, arguments, threading.current_thread().daemon))
        return {"result": "ü"}

    monkeypatch.setattr("tui.helper.dispatch.ask", ask)
    before = set(threading.enumerate())
    assert helper.main() == 0
    for thread in set(threading.enumerate()) - before:
        thread.join()
    told = [json.loads(one) for one in answers.getvalue().splitlines()]
    assert sorted(asked) == [("one", {}, True), ("two", {"a": 1}, True)], "a question in progress does not hold the end"
    assert {one["id"] for one in told if "result" in one} == {2, 3}
    wrong = [one["error"]["cause"] for one in told if one["id"] is None]
    assert [len(one) for one in wrong] == [7, 2, 9, 200]
    assert "ü" in answers.getvalue()
