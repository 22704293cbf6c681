"""The helper as a front end uses it: a real process, asked over pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tui.helper.client import HelperClient, HelperError

PLAN = {"document": {"workspace": {"name": "my-workspace"}}, "base": "/", "secrets": {}}


@pytest_asyncio.fixture
async def client() -> AsyncIterator[HelperClient]:
    made = HelperClient(dict(os.environ))
    yield made
    await made.close()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def with_cloud_at(port: int) -> dict[str, str]:
    return {**os.environ, "ARM_CLOUD_METADATA_URL": f"https://127.0.0.1:{port}/metadata/endpoints"}


async def test_it_starts_at_the_first_question(client: HelperClient) -> None:
    assert not client.running
    sources = await client.ask("credential_sources", timeout=30)
    assert client.running
    assert [source["source"] for source in sources][:3] == ["Environment", "WorkloadIdentity", "ManagedIdentity"]
    assert all(source["reason"] for source in sources)


async def test_an_unknown_question_is_an_error_in_words(client: HelperClient) -> None:
    with pytest.raises(HelperError) as caught:
        await client.ask("weather", timeout=30)
    assert caught.value.title == "The question is unknown"
    assert "sign_in" in caught.value.cause


async def test_what_a_form_lacks_is_said(client: HelperClient) -> None:
    with pytest.raises(HelperError) as caught:
        await client.ask("workspace", timeout=30, plan=PLAN)
    assert caught.value.title == "The workspace is not known yet"
    assert caught.value.cause.startswith("subscription_id, resource_group are missing")


async def test_a_late_answer_is_dropped_and_others_overtake(client: HelperClient, silent_port: int) -> None:
    await client.start(with_cloud_at(silent_port))
    with pytest.raises(HelperError) as caught:
        await client.ask("sign_in", timeout=0.2, plan=PLAN)
    assert caught.value.code == "Timeout"
    slow = asyncio.create_task(client.ask("sign_in", timeout=60, plan=PLAN))
    assert await client.ask("credential_sources", timeout=30)
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    assert await client.ask("credential_sources", timeout=30)


async def test_a_dead_helper_is_reported_and_started_again(client: HelperClient, silent_port: int) -> None:
    await client.start(with_cloud_at(silent_port))
    first = client.pid
    waiting = asyncio.create_task(client.ask("sign_in", timeout=60, plan=PLAN))
    assert await client.ask("credential_sources", timeout=30)  # so the other question has been sent
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(HelperError) as caught:
        await waiting
    assert caught.value.code == "HelperEnded"
    assert await client.ask("credential_sources", timeout=30)
    assert client.pid not in (None, first)


async def test_another_environment_starts_another_process(client: HelperClient) -> None:
    await client.start(dict(os.environ))
    first = client.pid
    await client.start(dict(os.environ))
    assert client.pid == first
    await client.start({**os.environ, "AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"})
    assert client.pid != first
    sources = {source["source"]: source for source in await client.ask("credential_sources", timeout=30)}
    assert sources["Environment"]["found"] is True


# Answers each question with a part, a word of its progress, and a result.
TALKS = """
import json, sys
for line in sys.stdin:
    for more in ({"part": "x"}, {"progress": [1, 2]}, {"result": "done"}):
        print(json.dumps({"id": json.loads(line)["id"], **more}), flush=True)
"""


@pytest.mark.parametrize("hears", ["part", "progress"])
@pytest.mark.parametrize("error", [KeyError, TypeError, ValueError, AssertionError])
async def test_an_error_of_who_hears_the_parts_is_its_own(
    client: HelperClient, hears: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.helper.client.child_process.command", lambda name: [sys.executable, "-c", TALKS])

    def fails(*given: Any) -> None:
        raise error("of the front end")

    other = asyncio.create_task(client.ask("x", timeout=10))
    with pytest.raises(error, match="of the front end"):
        await client.ask("x", timeout=10, **{hears: fails})
    assert (await other, await client.ask("x", timeout=10)) == ("done", "done")


async def test_closing_ends_the_process_even_while_a_question_hangs(client: HelperClient, silent_port: int) -> None:
    await client.start(with_cloud_at(silent_port))
    pid = client.pid
    waiting = asyncio.create_task(client.ask("sign_in", timeout=60, plan=PLAN))
    assert await client.ask("credential_sources", timeout=30)
    await client.close()
    with pytest.raises(HelperError):
        await waiting
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_it_ends_when_its_input_closes() -> None:
    done = subprocess.run([sys.executable, "-m", "tui.helper"], input=b"", capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, b"")


def test_what_libraries_print_stays_out_of_the_answers() -> None:
    script = (
        "import os, subprocess, sys; from tui.helper.__main__ import _guard_stdout; real = _guard_stdout();"
        "print('noise'); sys.stdout.flush(); os.write(1, b'noise'); subprocess.run(['echo', 'noise']);"
        "real.write('answer'); real.flush()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30)
    assert done.stdout == b"answer"
    assert done.stderr.count(b"noise") == 3


def test_a_line_that_is_no_request_does_not_end_it() -> None:
    lines = b'not json\n[]\n{"id": 7, "ask": "weather"}\n'
    with subprocess.Popen([sys.executable, "-m", "tui.helper"], stdin=-1, stdout=-1, stderr=-1) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(lines)
        process.stdin.flush()
        answers = [process.stdout.readline() for _ in range(3)]
        process.stdin.close()
    assert sum(b"not valid" in answer for answer in answers) == 2
    assert sum(b'"id": 7' in answer for answer in answers) == 1


def test_the_client_imports_nothing_heavy() -> None:
    script = (
        "import sys, tui.helper.client; heavy = {'azure', 'yaml', 'textual', 'requests'};"
        "print([name for name in sys.modules if name.split('.')[0] in heavy])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "[]"
