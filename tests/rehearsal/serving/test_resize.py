"""A deployment's number of instances changes while it serves: nobody waits, and no request is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.serving.test_replicas import ECHO, Make, ask, is_alive, make, until
from tui.rehearsal.serving.replicas import ContainerCrashed

__all__ = ["make"]


async def pids(replicas: Any, calls: int) -> set[Any]:
    return {(await ask(replicas))["pid"] for _ in range(calls)}


async def test_more_and_fewer_instances_serve_without_a_restart(make: Make) -> None:
    replicas = make(ECHO)
    await replicas.start()
    (first,) = await pids(replicas, 2)
    assert replicas.capacity == 2
    await replicas.resize(3)
    assert replicas.capacity == 6
    assert [instance.number for instance in replicas.instances] == [0, 1, 2]
    three = await pids(replicas, 6)
    assert first in three
    assert len(three) == 3
    used = await replicas.processor_seconds()
    assert set(used) == {0, 1, 2}
    assert all(seconds > 0 for seconds in used.values())
    await replicas.resize(1)
    assert await pids(replicas, 4) == {first}
    assert replicas.capacity == 2
    assert not any(is_alive(pid) for pid in three - {first})
    assert "Scaled to 3 instances." in replicas.log.text()
    await replicas.resize(2)
    assert len(await pids(replicas, 4)) == 2, "its number is used again"


async def test_an_instance_that_leaves_answers_its_request_first(make: Make, tmp_path: Path) -> None:
    replicas = make(ECHO, instance_count=2)
    await replicas.start()
    mark, go = tmp_path / "mark", tmp_path / "go"
    wait = (
        f"import time, pathlib\npathlib.Path({str(mark)!r}).touch()\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)"
    )
    replicas._turn = 1  # the next request goes to the second instance
    slow = asyncio.ensure_future(ask(replicas, wait))
    await until(mark.exists)
    shrinking = asyncio.ensure_future(replicas.resize(1))
    await until(lambda: len(replicas.instances) == 1)
    (kept,) = await pids(replicas, 3)
    assert not shrinking.done()
    go.touch()
    answered = (await slow)["pid"]
    await shrinking
    assert answered != kept
    assert not is_alive(int(str(answered)))


async def test_after_a_new_instance_that_does_not_start_there_are_as_many_as_before(make: Make) -> None:
    once = """
        import pathlib
        def init():
            mark = pathlib.Path(__file__).with_name("mark")
            if mark.exists():
                raise SystemExit("only one")
            mark.touch()
        def run(data):
            import os
            return {"pid": os.getpid()}
    """
    replicas = make(once)
    await replicas.start()
    with pytest.raises(ContainerCrashed):
        await replicas.resize(2)
    assert [instance.number for instance in replicas.instances] == [0]
    assert (await ask(replicas))["pid"]
    assert replicas.capacity == 2


async def test_instances_that_were_never_started_start_in_the_new_number(make: Make) -> None:
    replicas = make(ECHO, instance_count=3)
    await replicas.resize(2)
    await replicas.ensure_running()
    assert len(await pids(replicas, 4)) == 2
