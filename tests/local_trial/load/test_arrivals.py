"""The generator against servers whose latencies are known: what it tells is what callers would have seen."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Callable

import pytest
from aiohttp import web

from tui.common.request_body import RequestBody
from tui.local_trial.load import arrivals
from tui.local_trial.load.arrivals import Caller

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@contextlib.asynccontextmanager
async def calling(folder: Path, handler: Handler) -> AsyncIterator[Caller]:
    """A caller of a server that answers with this handler."""
    app = web.Application()
    app.router.add_post("/score", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.UnixSite(runner, str(folder / "s")).start()
        async with arrivals.session(str(folder / "s")) as session:
            yield Caller(session, [RequestBody(b"{}")])
    finally:
        await runner.cleanup()


def test_a_stall_shows_as_its_callers_would_see_it(tmp_path: Path) -> None:
    """A hundred requests a second, and one second in which nothing is answered: a third of the calls wait for it."""

    async def measured() -> tuple[arrivals.Answers, arrivals.Answers]:
        begun = time.perf_counter()

        async def handler(_request: web.Request) -> web.Response:
            since = time.perf_counter() - begun
            await asyncio.sleep(2.0 - since if 1.0 < since < 2.0 else 0)
            return web.Response(text="[]")

        async with calling(tmp_path, handler) as caller:
            begun = time.perf_counter()
            opened = await arrivals.open_loop(caller, arrivals.due_times(100, 3.0, poisson=False), 3.0, 500)
            begun = time.perf_counter()
            closed = await arrivals.closed_loop(caller, 3.0, 1)
            return opened, closed

    opened, closed = asyncio.run(measured())
    assert (opened.sent, opened.failed, len(opened.latencies)) == (300, 0, 300)
    # Of 300 callers, 100 wait: the longest a second, one in twenty 0.85 s, one in ten 0.7 s.
    assert opened.percentile(0.99) > 930 and opened.percentile(0.95) > 800 and opened.percentile(0.9) > 650
    # One caller that waits for each answer meets the stall once, and nearly all of its calls know nothing of it.
    assert max(closed.latencies) > 0.9 and closed.percentile(0.95) < opened.percentile(0.9)


def test_like_the_front_end_no_more_than_allowed_are_at_the_server_and_as_many_again_wait(tmp_path: Path) -> None:
    async def measured() -> tuple[arrivals.Answers, int]:
        there = most = 0
        release = asyncio.Event()

        def due() -> Iterator[float]:
            yield from [0.0] * 20
            release.set()

        async def handler(_request: web.Request) -> web.Response:
            nonlocal there, most
            there += 1
            most = max(most, there)
            await release.wait()
            there -= 1
            return web.Response(text="[]")

        async with calling(tmp_path, handler) as caller:
            return await arrivals.open_loop(caller, due(), 0.0, 3), most

    answers, most = asyncio.run(measured())
    assert most == 3
    assert (answers.sent, len(answers.latencies), answers.failed) == (20, 6, 14)
    assert answers.first_bad.startswith("status 429")


def test_what_is_no_answer_fails_and_is_told(tmp_path: Path) -> None:
    async def measured() -> tuple[arrivals.Answers, arrivals.Answers]:
        async def handler(request: web.Request) -> web.Response:
            assert request.content_type == "application/json"
            return web.Response(status=500, text="KeyError: x")

        async with calling(tmp_path, handler) as caller:
            refused = await arrivals.open_loop(caller, [0.0, 0.01], 0.02, 4)
        async with arrivals.session(str(tmp_path / "none")) as session:
            gone = Caller(session, [RequestBody(b"{}")])
            return refused, await arrivals.open_loop(gone, [0.0], 0.01, 4)

    refused, gone = asyncio.run(measured())
    assert (refused.failed, refused.latencies, refused.first_bad) == (2, [], "status 500: KeyError: x")
    assert gone.failed == 1 and gone.first_bad.startswith("no answer: ")


def test_a_generator_that_is_late_says_so(tmp_path: Path) -> None:
    async def measured(busy: float) -> arrivals.Answers:
        async def handler(_request: web.Request) -> web.Response:
            time.sleep(busy)  # noqa: ASYNC251 (it keeps the generator's own loop from its work)
            return web.Response(text="[]")

        async with calling(tmp_path, handler) as caller:
            return await arrivals.open_loop(caller, arrivals.due_times(200, 0.5, poisson=False), 0.5, 1)

    late = asyncio.run(measured(0.05))
    assert "after it was due" in late.behind
    on_time = arrivals.Answers(latencies=[0.01] * 100, delays=[0.0001] * 100)
    assert on_time.behind == ""
    assert (
        "90" not in arrivals.Answers(busy=0.5).behind and "generator's processor" in arrivals.Answers(busy=0.97).behind
    )


def test_the_warm_up_ends_when_latencies_have_settled(tmp_path: Path) -> None:
    async def measured(seconds: float) -> arrivals.Answers:
        calls = 0

        async def handler(_request: web.Request) -> web.Response:
            nonlocal calls
            calls += 1
            await asyncio.sleep(0.16 / 2 ** min((calls - 1) // 10, 4))
            return web.Response(text="[]")

        async with calling(tmp_path, handler) as caller:
            return await arrivals.warm_up(caller, 1, seconds)

    # Four rounds of ten calls are each twice as fast as the one before, and two more must be like the fifth.
    assert asyncio.run(measured(60.0)).sent >= 70
    assert asyncio.run(measured(0.0)).sent == 0


@pytest.mark.parametrize("blocks", [True, False])
def test_whether_a_worker_answers_one_request_at_a_time_is_measured(blocks: bool, tmp_path: Path) -> None:
    async def measured() -> bool | None:
        alone = asyncio.Lock()

        async def handler(_request: web.Request) -> web.Response:
            async with alone if blocks else contextlib.AsyncExitStack():
                await asyncio.sleep(0.05)
            return web.Response(text="[]")

        async with calling(tmp_path, handler) as caller:
            return await arrivals.one_at_a_time(caller, 9)

    assert asyncio.run(measured()) is blocks


def test_arrivals_are_at_equal_distances_or_independent_and_the_same_each_time() -> None:
    assert arrivals.due_times(4, 1.0, poisson=False) == [0.0, 0.25, 0.5, 0.75]
    due = arrivals.due_times(50, 100.0)
    assert due == arrivals.due_times(50, 100.0) != arrivals.due_times(50, 100.0, seed=1)
    assert due == sorted(due) and due[-1] < 100 and 4800 < len(due) < 5200
    gaps = [after - before for before, after in zip(due, due[1:])]
    # Of independent arrivals, the distances spread as much as their mean.
    assert 0.95 < statistics.pstdev(gaps) / statistics.fmean(gaps) < 1.05
