"""Measures the deployments of a plan under load: in a local trial, on processors of their own.

Requests go to the server's own socket. Through the rehearsal's front end they would share a Python process and TLS with
everything else there (tests/bench/README.md has what that costs); its limit of concurrent requests is kept here.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tui.common.request_body import RequestBody
from tui.local_trial import trial, verdict
from tui.local_trial.load import arrivals, processors
from tui.local_trial.load.arrivals import Caller
from tui.local_trial.load.measured import Measured, Memory, Point
from tui.local_trial.trial import Served, Tell
from tui.plan.load_save.document import Document

SECONDS = 150.0
"""How long one deployment is measured, at most, without its starts."""
SHARES = ((0.3, 0.5, 0.7, 0.85, 0.95), (0.5, 0.7, 0.9), (0.5, 0.8))
"""Shares of what a server answers at most: as many as leave ENOUGH requests to each, on average."""
ENOUGH = 100
LONG = 2000
"""Requests after which a point ends before its time."""
LEAST_SECONDS = 2.0
WORKERS = "WORKER_COUNT"
CORES = "AML_DEPLOY_REHEARSAL_CORES"
"""Limits a container, and where it can a bare process, to so many cores."""
WARM_UP_SHARE, REPEATS, PAIRS = 0.15, 3, 15
TRIES = 2
"""How often a rate is measured while the generator is late, since other work on the machine may end."""
_IDLE_CORES = {"container": 0.3}
"""What an idle server uses at most of its processor: in a container, a reading takes a part of it."""
_IDLE_ELSE, _IDLE_SECONDS, _IDLE_MOST = 0.05, 1.0, 60.0


class Refused(Exception):
    """No figure is given; the text says why."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How a load run measures."""

    rates: Sequence[float] = ()
    """Requests a second, else shares of what the server answers at most."""
    workers: Sequence[int] = ()
    """WORKER_COUNT, else 1, 2, 4 and so on up to the processors, and the plan's own."""
    concurrency: Sequence[int] = ()
    """max_concurrent_requests_per_instance, else as many as workers, four times as many, and the plan's if more."""
    cores: float | None = None
    """The server's processors, or the part of one, else all but the generator's."""
    seconds: float = SECONDS
    requests: str | None = None
    """A file of requests, else the plan's, its sample, or one from the model's signature."""
    poisson: bool = True
    """Arrivals independent of each other, else at equal distances."""


def perform(
    document: Document, environ: Mapping[str, str], tell: Tell, ended: threading.Event, **options: Any
) -> dict[str, Any]:
    """Serve a plan on this machine and measure it under load: `{"measured", "findings", "figures", "card"}`.

    `options` are the fields of Options. Raises what `trial.perform` raises.
    """
    planned = {
        str(one.value("deployment.name")): str((one.value("deployment.environment_variables") or {}).get(WORKERS, ""))
        for one in document.each()
    }
    chosen = environ.get(CORES) or None
    load = LoadRun(Options(**{"cores": chosen and float(chosen), **options}), planned)
    kept = load.kept
    environ = {**environ, CORES: f"{kept.cores:g}"}
    if kept.refused:
        return load.report([load.refused(name, kept.refused) for name in planned])
    try:
        report = trial.perform(
            with_workers(document, 1), environ, tell, ended, measure=load.measure, starting=kept.serving()
        )
    finally:
        kept.release()
    return {"measured": [], **report}


def with_workers(document: Document, count: int, name: str = "") -> Document:
    """The document with this number of workers for one deployment, or for all."""
    changed = document.copy()
    for item in changed.listed() or [changed.tree.setdefault("deployment", {})]:
        if not name or item.get("name", changed.value("deployment.name")) == name:
            variables = item.get("environment_variables")
            item["environment_variables"] = {**(variables or {}), WORKERS: str(count)}
    return changed


class LoadRun:
    """One load run; `planned` has the plan's own WORKER_COUNT of each deployment."""

    def __init__(self, options: Options, planned: Mapping[str, str]) -> None:
        self.options = options
        self.planned = planned
        self.kept = processors.shared(options.cores)

    def measure(self, served: Served) -> dict[str, Any]:
        """Measure all deployments, one after the other. Raises Ended."""
        measured = asyncio.run(self._until_ended(served))
        return self.report(measured)

    def report(self, measured: Sequence[Measured]) -> dict[str, Any]:
        """The report of these deployments."""
        findings = [_finding(one) for one in measured]
        return {"measured": [one.as_dict() for one in measured], "findings": findings, "figures": [], "card": None}

    def refused(self, name: str, why: str) -> Measured:
        """What is told of a deployment that was not measured."""
        return Measured(name, processors.model_name(), self.kept.cores, "", None, (0, 0.0), (0, 0),
                        "sample", (), Memory(None, None, None), None, None, why)  # fmt: skip

    async def _until_ended(self, served: Served) -> list[Measured]:
        task = asyncio.ensure_future(self._all(served))
        try:
            while not task.done():
                if served.ended.is_set():
                    raise trial.Ended
                await asyncio.wait([task], timeout=trial.LOOK_SECONDS)
        finally:
            task.cancel()
            await asyncio.wait([task])
        return task.result()

    async def _all(self, served: Served) -> list[Measured]:
        from tui.helper.client import HelperClient, HelperError

        sent = {"document": served.document.tree, "base": str(served.document.base), "secrets": {}}
        found, client = [], HelperClient()
        try:
            await client.start(dict(served.environ))
            for one in served.plan.every_deployment:
                ready = None
                with contextlib.suppress(HelperError):
                    ready = await trial.ready_in(client, sent, one.name)
                try:
                    bodies, source = await self._bodies(served, client, sent)
                    run = _OneDeployment(self, served, one.name, bodies)
                    found.append(await run.measured(ready, source))
                except (Refused, OSError, HelperError) as why:
                    found.append(self.refused(one.name, str(why)))
        finally:
            await client.close()
        return found

    async def _bodies(self, served: Served, client: Any, sent: dict[str, Any]) -> tuple[list[RequestBody], str]:
        """The bodies to send, and where they come from. Raises Refused, OSError, HelperError."""
        test = served.plan.test
        path = Path(served.document.base, self.options.requests) if self.options.requests else test.requests
        if path is not None:
            from tui.common.golden_requests import GoldenInvalid, read

            try:
                return [one.body for one in read(path) if one.status == 200], "file"
            except GoldenInvalid as wrong:
                raise Refused(str(wrong)) from None
        if test.request is not None:
            return [RequestBody.of_file(test.request)], "sample"
        sample = (await client.ask("inspect_model", timeout=120, plan=sent) or {}).get("sample")
        if not sample:
            raise Refused("There is no request to send: the plan has no test.request, and the model no signature.")
        return [RequestBody(json.dumps(sample).encode())], "signature"


class _OneDeployment:
    """The measurement of one deployment, which is served with one worker when it begins."""

    def __init__(self, load: LoadRun, served: Served, name: str, bodies: Sequence[RequestBody]) -> None:
        if not bodies:
            raise Refused("The file of requests has none with the answer 200.")
        self._load = load
        self._options = load.options
        self._served = served
        self._name = name
        self._bodies = bodies
        self._planned = served.plan.of(name).deployment.request_settings.max_concurrent_requests_per_instance
        self._ends = time.monotonic() + load.options.seconds
        self._points: list[Point] = []
        self._lost: list[str] = []
        self._spreads: list[float] = []
        self._rest: dict[int, int] = {}
        self._warm = (0, 0.0)
        self._blocked: bool | None = None
        self._limited_by = ""
        self._most = 0
        self._reading = 0.0

    async def measured(self, ready: float | None, source: str) -> Measured:
        """Measure it with each number of workers. Raises Refused, OSError."""
        kept, tell = self._load.kept, self._served.tell
        planned = self._load.planned.get(self._name, "")
        counts = sorted(set(self._options.workers)) or _usual_workers(kept.cores, planned)
        most = f"at most {self._options.seconds:.0f} s without its starts"
        tell(f"Load: {self._name} is measured with {_count(kept.cores, 'core')}, for {most}.")
        for place, workers in enumerate(counts):
            try:
                await self._with(workers, len(counts) - place)
            except Refused as why:
                self._lost.append(str(why))
                tell(f"Load: {_count(workers, 'worker')}: not measured: {why}")
        if not self._points:
            raise Refused(self._lost[0])
        # The peak between two readings is known of bare processes only.
        peak = max(self._most, self._served.memory.deployments.get(self._name, {}).get("peak", 0))
        sizes = [len(body) for body in self._bodies]
        first, last = min(self._rest), max(self._rest)
        each = (self._rest[last] - self._rest[first]) // (last - first) if last > first else None
        return Measured(
            deployment=self._name,
            processor=processors.model_name(),
            cores=kept.cores,
            limited_by=self._limited_by,
            ready_seconds=ready,
            warm_up=self._warm,
            request_bytes=(min(sizes), max(sizes)),
            source=source,
            points=tuple(self._points),
            memory=Memory(self._rest.get(1), each, peak or None),
            spread=max(self._spreads) if self._spreads else None,
            blocked=self._blocked,
            refused="",
        )

    async def _with(self, workers: int, counts: int) -> None:
        """Measure it with so many workers, in its part of the time left; `counts` such measurements are left."""
        left = self._time_left()
        if workers != 1:
            document = with_workers(self._served.document, workers, self._name)
            why = await asyncio.to_thread(self._served.again, document)
            if why:
                raise Refused(f"It could not be served with {workers} workers: {why}")
        place, tell = await self._idle(workers), self._served.tell
        now = time.monotonic()
        self._ends = now + left
        ends = now + left / counts
        async with arrivals.session(place) as session:
            caller = Caller(session, self._bodies)
            tell(f"Load: {_count(workers, 'worker')}: warming up.")
            warm = await arrivals.warm_up(caller, workers, WARM_UP_SHARE * (ends - now))
            if not warm.latencies:
                raise Refused(f"It answered none of {_count(warm.sent, 'request')}: {warm.first_bad}.")
            self._warm = (self._warm[0] + warm.sent, round(self._warm[1] + warm.seconds, 3))
            await self._idle(workers)
            self._rest[workers] = int((await self._now(afresh=True))["bytes"])
            if workers == 1:
                pairs = int(min(PAIRS, 1 + 0.1 * (ends - time.monotonic()) / (2 * statistics.median(warm.latencies))))
                self._blocked = await arrivals.one_at_a_time(caller, pairs)
            usual = (workers, 4 * workers, max(workers, self._planned))
            several = sorted(set(self._options.concurrency or usual))
            for done, concurrency in enumerate(several):
                now = time.monotonic()
                await self._at(caller, workers, concurrency, now + (ends - now) / (len(several) - done))

    async def _at(self, caller: Caller, workers: int, concurrency: int, ends: float) -> None:
        self._time_left()
        tell, most = self._served.tell, []
        what = f"{_count(workers, 'worker')}, {concurrency} concurrent"
        for _ in range(REPEATS):
            seconds = max(LEAST_SECONDS / 4, min(LEAST_SECONDS, 0.08 * (ends - time.monotonic())))
            most.append(await arrivals.closed_loop(caller, seconds, concurrency))
        if any(one.behind for one in most):
            self._lose(what, next(one.behind for one in most if one.behind))
            return
        rates = [one.rate for one in most]
        middle = statistics.median(rates)
        if not middle:
            raise Refused(f"It answered no request in time: {most[0].first_bad}.")
        self._spreads.append(round((max(rates) - min(rates)) / middle, 4))
        tell(f"Load: {what}: at most {middle:.1f} requests a second.")
        left = ends - time.monotonic()
        shares = next((some for some in SHARES if middle * left / len(some) * some[0] >= ENOUGH), SHARES[-1])
        due = self._options.rates or [share * middle for share in shares]
        for rate in due:
            seconds = max(LEAST_SECONDS, min(left / len(due), LONG / rate))
            await self._point(caller, workers, concurrency, rate, seconds)

    async def _point(self, caller: Caller, workers: int, concurrency: int, rate: float, seconds: float) -> None:
        due = arrivals.due_times(rate, seconds, poisson=self._options.poisson)
        for _ in range(TRIES):
            before = await self._now()
            answers = await arrivals.open_loop(caller, due, seconds, concurrency)
            after = await self._now()
            if not answers.behind:
                break
        self._most = max(self._most, int(after.get("bytes", 0)))
        what = f"{_count(workers, 'worker')}, {concurrency} concurrent, {rate:.1f} requests a second"
        if answers.behind:
            self._lose(what, answers.behind)
            return
        if not answers.latencies:
            self._lose(what, f"no request was answered ({answers.first_bad})")
            return
        same = after.get("processes") == before.get("processes")
        used = max(0.0, after["cpu"] - before["cpu"] - self._reading) if same else None
        point = Point(
            workers=workers,
            concurrency=concurrency,
            rate=round(rate, 3),
            seconds=round(answers.seconds, 3),
            requests=answers.sent,
            failed=answers.failed,
            answered=round(answers.rate, 3),
            p50_ms=round(answers.percentile(0.5), 2),
            p95_ms=round(answers.percentile(0.95), 2),
            p99_ms=round(answers.percentile(0.99), 2),
            cpu_ms=None if used is None else round(used * 1000 / len(answers.latencies), 3),
            cores=None if used is None else round(used / answers.elapsed, 3),
        )
        self._points.append(point)
        failed = f", {point.failed} of {point.requests} failed ({answers.first_bad})" if point.failed else ""
        self._served.tell(f"Load: {what}: p95 {point.p95_ms:.0f} ms{failed}.")

    def _lose(self, what: str, why: str) -> None:
        self._lost.append(
            f"Server and generator have too few processors of this machine for themselves: at {what}, {why}."
        )
        self._served.tell(f"Load: {what}: not measured: {why}.")

    def _time_left(self) -> float:
        left = self._ends - time.monotonic()
        if left < LEAST_SECONDS:
            raise Refused(f"The time of {self._options.seconds:.0f} s is over.")
        return left

    async def _now(self, *, afresh: bool = False) -> dict[str, Any]:
        return await asyncio.to_thread(lambda: self._served.memory.now(self._name, afresh=afresh))

    async def _idle(self, workers: int) -> str:
        """Wait until all workers have started and done their work; return the server's place. Raises Refused."""
        ends = time.monotonic() + _IDLE_MOST
        before, kept = await self._now(), self._load.kept
        if not before.get("place"):
            raise Refused("Its server's processes cannot be measured on this machine.")
        container = not before["place"].startswith("/")
        if not before["limited"] and (container or kept.cores % 1):
            raise Refused(f"Its server cannot be limited to {kept.cores:g} cores on this machine.")
        self._limited_by = "container" if container else "affinity" if kept.affinity else ""
        while True:
            await asyncio.sleep(_IDLE_SECONDS)
            now = await self._now()
            # One process is the server's own, which starts the workers.
            started = now.get("processes", 0) > workers and now["processes"] == before["processes"]
            self._reading = now["cpu"] - before["cpu"]
            share = _IDLE_CORES.get(self._limited_by, _IDLE_ELSE)
            if started and self._reading < share * min(1.0, kept.cores) * _IDLE_SECONDS:
                return str(now["place"])
            if time.monotonic() > ends:
                raise Refused("Its server is never idle without requests, so that nothing can be told of them.")
            before = now


def _usual_workers(cores: float, planned: str) -> list[int]:
    """1 and 2, then twice as many up to the cores, and what the plan has."""
    found = {1, 2}
    while max(found) * 2 <= cores:
        found.add(max(found) * 2)
    return sorted(found | {int(planned)} if planned.isdecimal() and int(planned) else found)


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _finding(one: Measured) -> dict[str, Any]:
    """What a load run says of a deployment, as a finding."""
    if one.refused:
        return verdict.finding(
            "trial-load", "unknown", verdict.SIZE, f"{one.deployment} was not measured. {one.refused}"
        )
    best = max(one.points, key=lambda point: point.answered)
    text = (
        f"{one.deployment} answered {best.answered:.1f} requests a second on this machine with "
        f"{_count(best.workers, 'worker')}, with a p95 latency of {best.p95_ms:.0f} ms."
    )
    return verdict.finding("trial-load", "ok", verdict.SIZE, text, figures=one.as_dict())
