"""The helper's process as its client keeps it: started, replaced, ended, and missed when it dies."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tui.helper import client
from tui.helper.client import HelperClient, HelperError


class Process:
    """A process without a process: it ends when its input closes, or when it is killed if it is `stubborn`."""

    def __init__(self, stubborn: bool = False, lines: tuple[bytes, ...] = (), words: tuple[bytes, ...] = ()) -> None:
        self.pid, self.returncode = 7, None
        self.stubborn, self.killed = stubborn, False
        self.ended = asyncio.Event()
        self.stdin = SimpleNamespace(close=self.close_input)
        self.lines, self.words = [*lines], [*words]
        self.stdout = SimpleNamespace(readline=self.readline)
        self.stderr = SimpleNamespace(read=self.read_words)

    def close_input(self) -> None:
        if not self.stubborn:
            self.end(0)

    def end(self, code: int) -> None:
        self.returncode = code
        self.ended.set()

    def kill(self) -> None:
        self.killed = True
        self.end(-9)

    async def wait(self) -> int:
        await self.ended.wait()
        return self.returncode or 0

    async def readline(self) -> bytes:
        if self.lines:
            return self.lines.pop(0)
        await self.ended.wait()
        return b""

    async def read_words(self, most: int) -> bytes:
        return self.words.pop(0) if self.words else b""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is started in place of a process, and the environments that it was started with."""
    made: list[Any] = []

    async def start(*command: str, **options: Any) -> Process:
        process = Process()
        made.append((process, options))
        return process

    monkeypatch.setattr(client.asyncio, "create_subprocess_exec", start)
    return made


async def test_it_runs_until_it_is_closed(started: list[Any]) -> None:
    helper = HelperClient({"A": "1"})
    await helper.start()
    assert (helper.running, helper.pid) == (True, 7)
    await helper.start()
    await helper.start({"A": "1"})
    assert len(started) == 1, "it runs already"
    process, options = started[0]
    assert options["env"] == {"A": "1"}
    assert options["start_new_session"] is True, "Ctrl+C in the terminal is for the front end"
    await helper.close()
    assert (helper.running, helper.pid, process.returncode, process.killed) == (False, None, 0, False)


@pytest.mark.parametrize("env", [{"A": "0"}, {"A": "2"}, {}, {"A": "1", "B": "1"}])
async def test_another_environment_replaces_it(env: dict[str, str], started: list[Any]) -> None:
    helper = HelperClient({"A": "1"})
    await helper.start()
    await helper.start(env)
    assert [options["env"] for _, options in started] == [{"A": "1"}, env]
    assert started[0][0].returncode == 0
    await helper.close()


async def test_an_environment_for_later_is_used_at_the_first_start(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = HelperClient({"A": "1"})
    await helper.start({"A": "2"})
    await helper.close()
    await helper.start()
    assert [options["env"] for _, options in started] == [{"A": "2"}, {"A": "2"}]
    await helper.close()
    monkeypatch.setenv("OF_THIS_PROCESS", "1")
    own = HelperClient()
    await own.start()
    assert started[-1][1]["env"]["OF_THIS_PROCESS"] == "1"
    await own.close()


async def test_a_process_that_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_GRACE", 0.01)
    helper = HelperClient({})
    process = helper._process = Process(stubborn=True)
    await helper.close()
    assert process.killed


async def test_a_process_that_has_ended_is_not_ended_again() -> None:
    helper = HelperClient({})
    process = helper._process = Process(stubborn=True)
    process.end(1)
    assert (helper.running, helper.pid) == (False, None)
    await helper.close()
    assert not process.killed


async def test_when_it_dies_questions_fail_with_its_last_words(
    started: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = HelperClient({})
    process = Process(lines=(b'{"id": 1, "result": 5}\n',), words=(b"Traceback\n", b"MemoryError\n"))

    async def start(*command: str, **options: Any) -> Process:
        return process

    monkeypatch.setattr(client.asyncio, "create_subprocess_exec", start)
    loop = asyncio.get_running_loop()
    answered, waiting = loop.create_future(), loop.create_future()
    helper._waiting.update({1: answered, 2: waiting})
    await helper.start()
    assert await answered == 5
    process.end(3)
    with pytest.raises(HelperError) as caught:
        await waiting
    assert caught.value.code == "HelperEnded"
    assert "3" in caught.value.cause and caught.value.raw == "Traceback\nMemoryError"
    assert not helper.running
    await helper.close()


async def test_the_end_of_a_replaced_process_concerns_nobody(started: list[Any]) -> None:
    helper = HelperClient({})
    await helper.start()
    first, (reader, _) = started[0][0], helper._readers
    helper._process = None  # as if it had been replaced meanwhile
    waiting = asyncio.get_running_loop().create_future()
    helper._waiting[1] = waiting
    first.end(0)
    await reader
    assert not waiting.done()
    await helper.close()


async def test_a_line_beyond_the_limit_ends_it(started: list[Any]) -> None:
    helper = HelperClient({})
    await helper.start()
    helper._readers[0].cancel()
    process = started[0][0]
    waiting = asyncio.get_running_loop().create_future()
    helper._waiting[1] = waiting

    async def too_long() -> bytes:
        raise ValueError("Separator is not found, and chunk exceed the limit")

    process.stdout.readline = too_long
    process.end(1)
    await helper._read(process, asyncio.create_task(asyncio.sleep(0)))
    with pytest.raises(HelperError):
        await waiting
    await helper.close()


async def test_what_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*command: str, **options: Any) -> Process:
        raise OSError("no memory")

    monkeypatch.setattr(client.asyncio, "create_subprocess_exec", fail)
    with pytest.raises(HelperError, match="no memory"):
        await HelperClient({}).start()


def test_a_name_that_is_not_utf_8_or_a_broken_request_leaves_no_question_unanswered() -> None:
    """Encoding such an answer ended the process with 0, and every waiting question with it."""
    command = [sys.executable, "-m", "tui.helper"]
    asked = [rb'{"id": 1, "ask": "caf\udce9"}', b"[" * 100_000, b"\xff\xfe", b'{"id": 2, "ask": "x", "with": 3}', b"[]",
             b'{"id": 3, "ask": "nothing"}']  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(b"\n".join(asked) + b"\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in asked]
        process.stdin.close()
        assert process.wait(30) == 0
    assert sorted(str(answer["id"]) for answer in answers) == ["1", "3", "None", "None", "None", "None"]
    assert all(answer["error"]["title"] for answer in answers)


def test_what_a_helper_prints_beside_its_answers_has_no_secret_in_it() -> None:
    code = "import sys; from tui.helper.__main__ import main; main(); print('a fireproof-9'); sys.exit('b fireproof-9')"
    environ = {**os.environ, "THEIR_SECRET": "fireproof-9"}
    done = subprocess.run(
        [sys.executable, "-c", code], input="", env=environ, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr.strip()) == ("", "a (hidden)\nb (hidden)")
