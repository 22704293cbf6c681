"""Whether the model of `aml-deploy size` holds: fitted on one instance, then measured on 1, 2 and 4 of a quarter core.

`python -m tests.bench.sizing [--quick] [--repeat N] [--requests N] [MODEL ...]` serves each model in a local trial in
which an instance has a quarter of a core (AML_DEPLOY_REHEARSAL_CORES), and does a load run. From that alone it predicts
how many requests a second 1, 2 and 4 instances answer within a p95 of twice the p95 at rest, and their p95 at 60 % of
that. Then it deploys so many instances, sends the same kind of arrivals (random, Poisson) through the rehearsal's front
end, and prints prediction and measurement side by side: 25 minutes, `--quick` three for one model. `--repeat 5` only
does the load run of the last model so often and prints how far its figures differ.

The front end takes instances in turn, so the prediction is that of a shared queue; `size` itself assumes the worse,
that Azure deals at random. The p95 at rest is of one instance, too: of requests at equal distances.

Four instances have one core together; generator and front end need the other one. What a point took of it is printed,
and a point at which it did not suffice is refused, not measured. The front end's own time (its p50 less the p50 at the
instance's socket, at a low rate) is added to each prediction, and is printed.

An instance answers `CONCURRENT` requests at once at most, and as many again wait, in the load run as in the front end.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aiohttp

from tests.bench.load import scoring
from tests.bench.sizing_models import SCRIPTS, document_of
from tui.common.request_body import RequestBody
from tui.local_trial import trial
from tui.local_trial.load import arrivals, processors
from tui.local_trial.load import run as load_run
from tui.local_trial.load.arrivals import Caller
from tui.local_trial.load.measured import Measured, Memory, Point
from tui.local_trial.sizing.curve import Way, ways
from tui.local_trial.sizing.offered import prices
from tui.local_trial.sizing.recommend import Wanted, recommend
from tui.plan.load_save.document import Document
from tui.plan.sizes import sizes
from tui.rehearsal import settings
from tui.rehearsal.places import Home
from tui.rehearsal.process import running

CORES = 0.25
COUNTS = (1, 2, 4)
CONCURRENT = 4
WITHIN = 0.25
AT_SHARE = 0.6
RATES = (0.85, 1.0, 1.15)
"""Of the predicted rate: where it is tried, besides AT_SHARE."""
LEAST_SECONDS, MOST_SECONDS, IDLE_SECONDS = 6.0, 40.0, 1.0

MODELS = ("slow", "memory-hungry", "blocking", "churn-xgboost")


class Refused(Exception):
    """No figure is given; the text says why."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One prediction and what came of it."""

    model: str
    instances: int
    what: str
    predicted: float
    measured: float

    @property
    def ratio(self) -> float:
        """Measured by predicted."""
        return self.measured / self.predicted if self.predicted else 0.0

    @property
    def held(self) -> bool:
        """Whether it is within the limit."""
        return abs(self.ratio - 1) <= WITHIN


@dataclasses.dataclass(frozen=True)
class Taken:
    """A point through the front end, and the processors that generator, front end and instances used."""

    point: Point
    generator: float
    front_end: float


def fitted(document: Document, environ: dict[str, str], seconds: float) -> tuple[Measured, Way]:
    """What a load run says of one instance."""
    report = load_run.perform(
        document, environ, said, threading.Event(), seconds=seconds, workers=[1], concurrency=[CONCURRENT]
    )
    (measured,) = map(Measured.of_dict, report["measured"]) if report["measured"] else (None,)
    if measured is None or measured.refused:
        raise Refused(f"no fit: {measured.refused if measured else report['findings']}")
    found = ways(measured)
    if not found:
        raise Refused(f"no fit: the server kept up with none of the rates: {measured.points}")
    return measured, found[0]


def with_rest(way: Way, rest: float) -> Way:
    """The same instance, with its p95 at no load: where several share the load, few requests wait for others."""
    first = way.points[0]
    at_rest = dataclasses.replace(first, rate=first.rate / 10, p95_ms=min(rest, first.p95_ms))
    return dataclasses.replace(way, points=(at_rest, *way.points))


def settled_limit(way: Way) -> float:
    """The limit of the p95: twice the p95 at rest, as without --p95."""
    return 2 * way.rest_ms


def said(line: str) -> None:
    """Print a line of progress."""
    print(f"  {time.strftime('%H:%M:%S')} {line}", flush=True)


class Instances:
    """Instances in a rehearsal, called through its front end."""

    def __init__(self, served: trial.Served, way: Way, requests: int) -> None:
        self.served, self.way, self.requests = served, way, requests
        self.server = running(Home.of(dict(served.environ)))
        request = served.plan.test.request
        self.body = RequestBody.of_file(request) if request else RequestBody(b"{}")
        self.problems: list[str] = []

    async def cases(self, model: str, counts: Sequence[int]) -> list[Case]:
        """Predict and measure each number of instances."""
        uri, key = await scoring(self.served)
        found: list[Case] = []
        limit = settled_limit(self.way)
        way, extra = self.way, 0.0
        secure = ssl.create_default_context(cafile=self.served.environ["REQUESTS_CA_BUNDLE"])
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=secure, limit=0), headers={"Authorization": f"Bearer {key}"}
        ) as session:
            caller = Caller(session, [self.body], uri)
            for count in counts:
                failed = await asyncio.to_thread(self.served.again, self._with(count))
                if failed:
                    raise Refused(f"{count} instances could not be served: {failed}")
                await arrivals.warm_up(caller, count, 10)
                await asyncio.sleep(IDLE_SECONDS)
                if count == counts[0]:
                    rest, extra = await self._at_rest(caller)
                    way = with_rest(way, rest)
                    said(f"p95 at rest {rest:.0f} ms; the front end takes {extra:.1f} ms of each request")
                try:
                    found += await self._several(caller, way, model, count, limit, extra)
                except Refused as why:
                    self.problems.append(f"{model}, {count} instances: {why}")
                    said(self.problems[-1])
                    break
        return found

    def _with(self, count: int) -> Document:
        document = self.served.document.copy()
        for item in document.listed() or [document.tree["deployment"]]:
            item["instance_count"] = count
            wanted = {**(item.get("request_settings") or {}), "max_concurrent_requests_per_instance": CONCURRENT}
            item["request_settings"] = wanted
        return document

    async def _at_rest(self, through: Caller) -> tuple[float, float]:
        """The p95 of one instance for requests that do not wait for each other, and the front end's own time, in ms.

        The requests are sent at equal distances, by turns to the instance's socket and through the front end.
        """
        name = self.served.plan.deployment.name
        socket = str(self.served.memory.now(name)["place"])
        rate = 0.3 * self.way.capacity
        count = max(8, min(40, int(5 * rate)))
        due = arrivals.due_times(rate, count / rate, poisson=False)
        rows: dict[str, arrivals.Answers] = {"direct": arrivals.Answers(), "through": arrivals.Answers()}
        async with arrivals.session(socket) as session:
            direct = Caller(session, [self.body])
            for way, caller in (("direct", direct), ("through", through)) * 2:
                answers = await arrivals.open_loop(caller, due, count / rate, CONCURRENT)
                rows[way].latencies += answers.latencies
        here, there = rows["direct"], rows["through"]
        return here.percentile(0.95), max(0.0, there.percentile(0.5) - here.percentile(0.5))

    async def _several(
        self, caller: Caller, way: Way, model: str, count: int, limit: float, extra: float
    ) -> list[Case]:
        holds = way.holds(limit, count, shared=True)
        at = AT_SHARE * holds
        if not holds:
            raise Refused(f"its p95 at rest is above the limit of {limit:.0f} ms")
        taken: list[Taken] = [await self._point(caller, count, at)]
        for share in RATES:
            taken.append(await self._point(caller, count, share * holds))
        while len(taken) < 8 and (further := self._further(taken, limit + extra, holds)):
            taken.append(await self._point(caller, count, further))
        for one in taken:
            point = one.point
            said(
                f"{count} x {point.rate:.1f}/s: {point.answered:.1f} answered, {point.failed} of {point.requests} "
                f"failed, p50 {point.p50_ms:.0f}, p95 {point.p95_ms:.0f} ms; generator {one.generator:.2f}, front end "
                f"{one.front_end:.2f} of a core"
            )
        # Of few random arrivals, more or fewer came than are due on average.
        at = taken[0].point.requests / taken[0].point.seconds
        most, p95 = _held(taken, limit + extra), way.p95(at, count, shared=True) + extra
        return [
            Case(model, count, f"answers a second within p95 {limit:.0f} ms", holds, most),
            Case(model, count, f"p95 in ms at {at:.1f} a second", p95, taken[0].point.p95_ms),
        ]

    def _further(self, taken: list[Taken], limit: float, holds: float) -> float:
        """Another rate to try if the limit is not between those that were measured; 0 if it is."""
        highest = max((one.point for one in taken), key=lambda point: point.rate)
        came = highest.requests / highest.seconds
        within = _held(taken, limit) >= 0.999 * min(came, highest.rate)
        return 1.2 * highest.rate if within and highest.rate < 2 * holds else 0.0

    async def _point(self, caller: Caller, count: int, rate: float) -> Taken:
        seconds = max(LEAST_SECONDS, min(MOST_SECONDS, self.requests / rate))
        due = arrivals.due_times(rate, seconds)
        before, used, since = self._spent(), time.process_time(), time.perf_counter()
        answers = await arrivals.open_loop(caller, due, seconds, 1000)  # the front end has the limits
        took = time.perf_counter() - since
        generator, front_end = (time.process_time() - used) / took, (self._spent() - before) / took
        if answers.behind or generator + front_end > 0.9:
            raise Refused(
                f"at {rate:.1f} a second, generator ({generator:.2f}) and front end ({front_end:.2f} of a core) "
                f"had too little between them. {answers.behind}".strip()
            )
        await asyncio.sleep(IDLE_SECONDS)
        p50, p95, p99 = (answers.percentile(share) for share in (0.5, 0.95, 0.99))
        point = Point(1, CONCURRENT, rate, answers.seconds, answers.sent, answers.failed, answers.rate, p50, p95, p99,
                      None, None)  # fmt: skip
        return Taken(point, generator, front_end)

    def _spent(self) -> float:
        """The processor time of the rehearsal's own process in seconds."""
        assert self.server is not None
        fields = Path(f"/proc/{self.server['pid']}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def _held(taken: Sequence[Taken], limit: float) -> float:
    """The most requests a second within the limit, of points as a load run takes them."""
    points = tuple(one.point for one in taken)
    found = ways(Measured("", "", 1, "", None, (0, 0.0), (0, 0), "", points, Memory(None, None, None), None, None, ""))
    return found[0].holds(limit) if found else 0.0


def measured_in_rehearsal(document: Document, environ: dict[str, str], model: str, way: Way, counts: Sequence[int],
                          requests: int) -> tuple[list[Case], list[str]]:  # fmt: skip
    """Predict and measure these numbers of instances; also what could not be measured."""
    found: list[Case] = []
    problems: list[str] = []

    def measure(served: trial.Served) -> dict[str, Any]:
        instances = Instances(served, way, requests)
        found.extend(asyncio.run(instances.cases(model, counts)))
        problems.extend(instances.problems)
        return {}

    report = trial.perform(load_run.with_workers(document, 1), environ, said, threading.Event(), measure=measure)
    if not found and not problems:
        raise Refused(f"it was not served: {report['findings']}")
    return found, problems


def instances_for(measured: Measured, rps: float, limit: float) -> int:
    """How many instances of as many cores the recommendation takes for a load; 0 if none hold."""
    like = next(size for size in sizes() if size.cores == measured.cores and not size.gpus)
    like = dataclasses.replace(like, memory_gib=1000.0, family="none")
    found = recommend(measured, Wanted(rps, limit), [like], prices(""))
    return found.choices[0].instances if found.choices else 0


def repeat(document: Document, environ: Iterator[dict[str, str]], times: int, seconds: float) -> None:
    """Print how far the figures of several load runs differ."""
    fits = []
    for _ in range(times):
        try:
            fits.append(fitted(document, next(environ), seconds))
        except Refused as why:
            said(str(why))
    if not fits:
        return
    limit = settled_limit(fits[0][1])
    rps = 4 * fits[0][1].holds(limit)
    rows = {
        "processor time of a request in ms": [way.cpu_ms or 0.0 for _, way in fits],
        "answers a second at most": [way.capacity for _, way in fits],
        f"answers a second within p95 {limit:.0f} ms": [way.holds(limit) for _, way in fits],
        "p95 at rest in ms": [way.rest_ms for _, way in fits],
        f"instances for {rps:.0f} requests a second": [float(instances_for(one, rps, limit)) for one, _ in fits],
    }
    print(f"\nThe same load run {times} times, {len(fits)} of them with figures:")
    for what, values in rows.items():
        middle = statistics.median(values)
        spread = (max(values) - min(values)) / middle if middle else 0.0
        listed = ", ".join(f"{value:.4g}" for value in values)
        print(f"  {what}: {listed}; largest less smallest: {spread:.0%} of the median")


def show(cases: Sequence[Case], problems: Sequence[str]) -> None:
    """Print all cases, and what could not be measured."""
    print(f"\n{'model':<15}{'instances':>10}  {'what':<40}{'predicted':>10}{'measured':>10}{'ratio':>7}")
    for case in cases:
        end = "within 25 %" if case.held else "MISSED"
        print(
            f"{case.model:<15}{case.instances:>10}  {case.what:<40}{case.predicted:>10.1f}{case.measured:>10.1f}"
            f"{case.ratio:>7.2f}  {end}"
        )
    missed = sum(not case.held for case in cases)
    print(f"{len(cases)} cases, {missed} missed", *(f"not measured: {problem}" for problem in problems), sep="\n")


def environs(folder: Path) -> Iterator[dict[str, str]]:
    """Environments with a state folder each, in which an instance has a quarter of a core."""
    number = 0
    while True:
        number += 1
        home = folder / str(number)
        home.mkdir()
        yield {
            **os.environ,
            "AML_DEPLOY_HOME": str(home),
            settings.CORES_VARIABLE: str(CORES),
            settings.ENGINE_VARIABLE: settings.NO_ENGINE,
        }


def main() -> None:
    """Measure the models that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(SCRIPTS)}, or a preset")
    parser.add_argument("--quick", action="store_true", help="one model, 1 and 4 instances, few requests")
    parser.add_argument(
        "--repeat", type=int, default=0, metavar="N", help="only do the load run of the last model N times"
    )
    parser.add_argument("--requests", type=int, default=250, help="of each point, where its time allows (default: 250)")
    given = parser.parse_args()
    models = given.models or (MODELS[-1:] if given.quick else MODELS)
    counts, requests, seconds = ((1, 4), 100, 30.0) if given.quick else (COUNTS, given.requests, 90.0)
    if len(processors.shared().server) < 1 or (os.cpu_count() or 1) < max(counts) * CORES + 1:
        raise SystemExit(f"{max(counts)} instances of {CORES:g} cores and a core for the load are too much.")
    began = time.monotonic()
    cases: list[Case] = []
    problems: list[str] = []
    with tempfile.TemporaryDirectory(prefix="t") as name:
        environ = environs(Path(name))
        for model in () if given.repeat else models:
            document = document_of(model, Path(name, f"model-{model}"))
            said(f"{model}: load run of one instance")
            try:
                _, way = fitted(document, next(environ), seconds)
                for point in way.points:
                    took = f"p50 {point.p50_ms:.0f}, p95 {point.p95_ms:.0f} ms, {point.cpu_ms} ms of the processor"
                    said(f"fit: {point.rate:.1f}/s: {took}")
                some, lost = measured_in_rehearsal(document, next(environ), model, way, counts, requests)
                cases, problems = cases + some, problems + lost
            except Refused as why:
                problems.append(f"{model}: {why}")
                said(problems[-1])
        if given.repeat:
            repeat(document_of(models[-1], Path(name, "model")), environ, given.repeat, seconds)
    if not given.repeat:
        show(cases, problems)
    print(
        f"{(time.monotonic() - began) / 60:.0f} minutes; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} "
        f"cores; {processors.model_name()}"
    )


if __name__ == "__main__":
    main()
