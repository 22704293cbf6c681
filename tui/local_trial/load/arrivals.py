"""Sends requests to a server on this machine and times them: a fixed number at once, or at a rate that is due.

With a rate ("open loop"), the time of each request is settled beforehand and does not wait for answers, and latency
counts from that time: while a server stalls, callers keep calling. A generator that waits for an answer before it sends
the next request leaves out just these ("coordinated omission").

Like Azure's front end, no more than `concurrency` requests are at the server at once; as many again wait, and a request
beyond these is refused (429 on Azure: 2 x max_concurrent_requests_per_instance, how-to-troubleshoot-online-endpoints).
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import random
import statistics
import time
from collections.abc import Iterable, Sequence

import aiohttp

from tui.common.request_body import RequestBody

WAITING = 2
"""How many times `concurrency` may be waiting or at the server."""
LONGEST_SECONDS = 180.0
"""Azure's limit for a request; what is not answered then has failed."""
_BEHIND_SECONDS = 0.002
_BEHIND_SHARE = 0.1
"""A generator later than both measures itself: the p95 of its delays, against this share of the p95 of latencies."""
_BUSY = 0.9
_TOO_FAST_SECONDS = 0.0005
_SPIN_SECONDS = 0.0015
"""The event loop wakes up to a millisecond late: the rest is waited for without sleeping."""


@dataclasses.dataclass
class Answers:
    """What came of a number of requests. Times are in seconds."""

    seconds: float = 0.0
    """From the first request to the last answer, without the time of one latency."""
    elapsed: float = 0.0
    """The same with it."""
    sent: int = 0
    failed: int = 0
    latencies: list[float] = dataclasses.field(default_factory=list)
    """Of the answers of status 200, from the time at which each request was due."""
    delays: list[float] = dataclasses.field(default_factory=list)
    """How much later than due the generator itself took up a request."""
    busy: float = 0.0
    """The share of the time during which this process used a processor."""
    first_bad: str = ""

    @property
    def rate(self) -> float:
        """Answers of status 200 a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """A percentile of the latency in milliseconds (nearest rank); 0 without an answer."""
        return _percentile(self.latencies, share) * 1000

    @property
    def behind(self) -> str:
        """Why these figures would be the generator's and not the server's; empty if they are the server's."""
        if self.delays:
            late = _percentile(self.delays, 0.95)
            if late > max(_BEHIND_SECONDS, _BEHIND_SHARE * _percentile(self.latencies, 0.95)):
                return f"1 request in 20 was sent {late * 1000:.1f} ms or more after it was due"
        elif self.busy > _BUSY:
            return f"sending them took {self.busy:.0%} of the generator's processor"
        return ""


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else 0.0


class Caller:
    """Sends the bodies in turn to the scoring route of a session's server."""

    def __init__(self, session: aiohttp.ClientSession, bodies: Sequence[RequestBody], route: str = "/score") -> None:
        self._session = session
        self._url = route
        self._bodies = bodies
        self._turn = 0

    async def call(self) -> str:
        """Send one request; empty if it was answered with status 200, else what came instead."""
        body = self._bodies[self._turn % len(self._bodies)]
        self._turn += 1
        try:
            async with self._session.post(self._url, data=body, headers={"Content-Type": body.content_type}) as answer:
                text = await answer.read()
                return "" if answer.status == 200 else f"status {answer.status}: {text[:200].decode(errors='replace')}"
        except asyncio.TimeoutError:
            return f"no answer within {LONGEST_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            return f"no answer: {error or type(error).__name__}"


def session(place: str) -> aiohttp.ClientSession:
    """A client of the server at this place, a Unix socket's path or a URL, without this machine's proxy.

    Each request has a connection of its own, as Azure's inference server closes it after every answer.
    """
    connector: aiohttp.BaseConnector = (
        aiohttp.UnixConnector(path=place, force_close=True, limit=0)
        if place.startswith("/")
        else aiohttp.TCPConnector(force_close=True, limit=0)
    )
    return aiohttp.ClientSession(
        base_url="http://container" if place.startswith("/") else place,
        connector=connector,
        trust_env=False,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=LONGEST_SECONDS),
    )


def due_times(rate: float, seconds: float, *, poisson: bool = True, seed: int = 0) -> list[float]:
    """When each request is due, in seconds: at random and independent of each other (Poisson), or at equal distances.

    With the same seed the times are the same, so that two servers are given the same arrivals.
    """
    if not poisson:
        return [number / rate for number in range(int(rate * seconds))]
    drawn, at, found = random.Random(seed), 0.0, []
    while (at := at + drawn.expovariate(rate)) < seconds:
        found.append(at)
    return found


async def open_loop(caller: Caller, due: Iterable[float], seconds: float, concurrency: int) -> Answers:
    """Send a request at each due time, and wait for the last answer."""
    answers = Answers()
    places = asyncio.Semaphore(concurrency)
    pending = 0
    begun = time.perf_counter()

    async def one(at: float) -> None:
        nonlocal pending
        try:
            async with places:
                bad = await caller.call()
        finally:
            pending -= 1
        _take(answers, bad, time.perf_counter() - at)

    tasks = set()
    for moment in due:
        at = begun + moment
        await asyncio.sleep(max(0.0, at - time.perf_counter() - _SPIN_SECONDS))
        while time.perf_counter() < at:  # noqa: ASYNC110 (a clock has no event)
            await asyncio.sleep(0)  # answers are taken meanwhile
        answers.sent += 1
        answers.delays.append(time.perf_counter() - at)
        if pending >= WAITING * concurrency:
            _take(answers, "status 429: too many requests wait", 0.0)
            continue
        pending += 1
        task = asyncio.ensure_future(one(at))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await _all(tasks)
    # An overloaded server answers the last ones later than the time in which they were due.
    answers.elapsed = time.perf_counter() - begun
    answers.seconds = max(seconds, answers.elapsed - statistics.median(answers.latencies or [0.0]))
    return answers


async def closed_loop(caller: Caller, seconds: float, concurrency: int) -> Answers:
    """Keep this number of requests at the server: what it answers at most."""
    answers = Answers()
    begun, used = time.perf_counter(), time.process_time()

    async def one() -> None:
        while (at := time.perf_counter()) < begun + seconds:
            answers.sent += 1
            _take(answers, await caller.call(), time.perf_counter() - at)

    await _all({asyncio.ensure_future(one()) for _ in range(concurrency)})
    answers.seconds = answers.elapsed = time.perf_counter() - begun
    answers.busy = (time.process_time() - used) / answers.seconds
    return answers


async def warm_up(caller: Caller, concurrency: int, seconds: float) -> Answers:
    """Call until latencies have settled: the median of a round differs little from the one before, twice in turn.

    The last round begins before `seconds` are over.
    """
    answers, before, settled = Answers(), math.inf, 0
    begun = time.perf_counter()

    async def ten() -> list[float]:
        found = []
        for _ in range(10):
            bad, took = await _timed(caller)
            answers.sent += 1
            _take(answers, bad, took)
            found.append(took)
        return found

    while settled < 2 and time.perf_counter() - begun < seconds:
        rounds = await asyncio.gather(*(ten() for _ in range(concurrency)))
        median = statistics.median(took for some in rounds for took in some)
        settled = settled + 1 if abs(median - before) < 0.1 * before else 0
        before = median
    answers.seconds = time.perf_counter() - begun
    return answers


async def one_at_a_time(caller: Caller, times: int) -> bool | None:
    """Whether a server with one worker answers a second request only after the first; None if it is too fast to tell.

    Of two requests at once, the second answer then comes a whole request after the first one. Where both are worked
    on together, both come late, or both early.
    """
    firsts, seconds = [], []
    for _ in range(times):
        (bad, first), (other, second) = sorted(
            await asyncio.gather(_timed(caller), _timed(caller)), key=lambda one: one[1]
        )
        if not bad and not other:
            firsts.append(first)
            seconds.append(second)
    if not firsts or statistics.median(firsts) < _TOO_FAST_SECONDS:
        return None
    return statistics.median(second / first for first, second in zip(firsts, seconds)) > 1.5


async def _timed(caller: Caller) -> tuple[str, float]:
    at = time.perf_counter()
    return await caller.call(), time.perf_counter() - at


def _take(answers: Answers, bad: str, latency: float) -> None:
    if bad:
        answers.failed += 1
        answers.first_bad = answers.first_bad or bad
    else:
        answers.latencies.append(latency)


async def _all(tasks: set[asyncio.Task[None]]) -> None:
    """Wait for all; cancelled, it cancels them."""
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
