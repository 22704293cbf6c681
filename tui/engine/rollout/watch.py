"""Watches a deployment during a rollout: by sending it the sample request, and by Azure's own metrics."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING

from tui.common.request_body import RequestBody
from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.task_context import TaskContext
from tui.engine.tasks.test import timeout
from tui.plan.model import Rollout
from tui.plan.traffic import in_words, serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo
    from tui.cloud.endpoints.keys import EndpointCredential
    from tui.cloud.errors import CloudError
    from tui.cloud.monitor.metrics import Measured

LOOK_SECONDS = 5.0
"""How often the split is read, to notice changes made by somebody else."""
METRICS_SECONDS = 20.0
REFUSED_SECONDS = 300.0
"""How long a step continues without a key or token that the front end accepts."""
SAY_SECONDS = 2.0
HEED_SECONDS = 0.3
CHANGED_BY_OTHERS = "ChangedByOthers"
NO_ANSWER = 0  # counted as a status


class Trouble(Exception):
    """A limit is exceeded; the text says which, with the figures."""


def asked_back(task: TaskContext) -> bool:
    """Whether a roll back was requested."""
    return (task.run.folder / ROLL_BACK_FILE).exists()


class Watch:
    """The measurements of one step of a rollout; each step starts with new ones."""

    def __init__(self, task: TaskContext, planned: Rollout, split: dict[str, int], step: int) -> None:
        self._task, self._planned, self._split, self._step = task, planned, split, step
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._measured: Measured | None = None
        self._asks_metrics = True
        self._begun = time.time()
        self._credential: EndpointCredential | None = None
        self._refused_since: float | None = None
        self._waited = 0.0  # seconds of the pause watched so far
        self._looked = self._metrics_read = self._said = time.monotonic()

    @property
    def requests(self) -> int:
        """The number of test requests, answered or not."""
        return sum(self._statuses.values())

    @property
    def errors(self) -> int:
        """The number of failed test requests."""
        return self.requests - self._statuses[200]

    @property
    def p95_ms(self) -> float | None:
        """The p95 latency in ms; None before the first answer."""
        ordered = sorted(self._latencies)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None

    def until_the_end(self) -> None:
        """Watch for the pause of a step, and until there are enough answers. Raises Trouble, CloudError, Stopped."""
        from tui.cloud.endpoints import endpoints

        task, planned = self._task, self._planned
        request = task.plan.test.request
        body = RequestBody.of_file(request) if request else None
        endpoint = endpoints.read(task.cloud, task.plan.endpoint.name, deployments=False)
        if endpoint is None:
            raise _changed("it was deleted")
        now = time.monotonic()
        while True:
            self._heed()
            if body is not None:
                self._probe(endpoint, body)
            self._look()
            self._read_metrics(endpoint)
            self._judge()
            enough = body is None or self.requests >= planned.min_requests
            if self._waited >= planned.pause and enough:
                break
            rest = planned.pause - self._waited if enough else planned.probe_every
            self._rest(max(0.0, min(planned.probe_every, rest)))
            before, now = now, time.monotonic()
            # Time during which the machine slept does not count as watched.
            self._waited += min(now - before, planned.probe_every + timeout(task) + LOOK_SECONDS)
        self._heed()
        self._say()
        if self.requests:
            task.log(f"{planned.deployment}: {self._figures()}.")

    def _rest(self, seconds: float) -> None:
        """Wait until the next test request or a request to roll back. Raises Trouble."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._task.sleep(min(left, HEED_SECONDS))
            self._heed()

    def _heed(self) -> None:
        if asked_back(self._task):
            raise Trouble("It was requested with Roll back now.")

    def _probe(self, endpoint: EndpointInfo, body: bytes) -> None:
        """Send one test request. Raises CloudError if the front end has not accepted a key or token for minutes."""
        from tui.cloud.endpoints import keys, scoring
        from tui.cloud.errors import CloudError

        cloud, new = self._task.cloud, self._credential is None
        try:
            credential = self._credential = self._credential or keys.credentials(cloud, endpoint)
        except CloudError as error:
            self._without_access(error)
            return
        try:
            answer = scoring.score(cloud, endpoint, body, self._planned.deployment, timeout(self._task), credential)
        except CloudError:
            self._statuses[NO_ANSWER] += 1
            return
        if answer.refused:  # a rotated key or an expired token is not the model's failure
            self._credential = None
            if new:
                title = f"The front end of {endpoint.name} refuses this run's key or token"
                self._without_access(CloudError(title, answer.note, raw=answer.body[:4000], status=answer.status_code))
            else:
                self._probe(endpoint, body)
            return
        self._refused_since = None
        # A 200 whose body is an error text counts as a failure.
        self._statuses[200 if answer.ok else answer.status_code if answer.status_code != 200 else 424] += 1
        self._latencies.append(answer.latency_ms)

    def _without_access(self, error: CloudError) -> None:
        """Report that no test request can be sent; raise the error if that has lasted for minutes."""
        now = time.monotonic()
        if self._refused_since is None:
            self._refused_since = now
        elif now - self._refused_since > REFUSED_SECONDS:
            raise error
        self._task.retrying(error.title, self._planned.probe_every)

    def _look(self) -> None:
        """Raise CloudError if somebody else has changed the split, which then is no longer this run's to change."""
        from tui.cloud.endpoints import endpoints
        from tui.cloud.errors import CloudError

        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            found = endpoints.read(self._task.cloud, self._task.plan.endpoint.name, deployments=False)
        except CloudError as error:
            self._task.retrying(error.title, LOOK_SECONDS)
            return
        now = serving(found.traffic) if found else {}
        if now != self._split:
            raise _changed(f"requests now go to {in_words(now)}")

    def _read_metrics(self, endpoint: EndpointInfo) -> None:
        from tui.cloud.monitor import metrics

        if not self._asks_metrics or time.monotonic() - self._metrics_read < METRICS_SECONDS:
            return
        self._metrics_read = time.monotonic()
        found = metrics.since(self._task.cloud, endpoint.id, self._planned.deployment, self._begun)
        if found is None:
            self._asks_metrics = False
            self._task.log("This identity cannot read metrics in Azure Monitor; only the test requests are watched.")
        self._measured = found

    def _judge(self) -> None:
        planned = self._planned
        self._say(only_now_and_then=True)
        name, allowed = planned.deployment, planned.max_error_percent
        # Decided early if the remaining answers cannot bring it below the limit.
        judged = max(self.requests, planned.min_requests)
        if self.errors * 100 > allowed * judged:
            raise Trouble(
                f"{self.errors} of {self.requests} test requests to {name} failed ({self._failures()}); "
                f"the limit is {allowed} %."
            )
        p95 = self.p95_ms
        limit = math.inf if planned.max_p95_ms is None else planned.max_p95_ms
        if p95 is not None and p95 > limit and self.requests >= planned.min_requests:
            raise Trouble(f"The p95 latency of {name} is {p95:.0f} ms; the limit is {limit} ms.")
        seen = self._measured
        if seen is None or seen.requests < planned.min_requests:
            return
        if seen.errors * 100 > allowed * seen.requests:
            share = 100 * seen.errors / seen.requests
            raise Trouble(f"Azure counts {share:.0f} % failed requests of callers to {name}; the limit is {allowed} %.")
        if seen.p95_ms is not None and seen.p95_ms > limit:
            raise Trouble(
                f"Azure measures a p95 latency of {seen.p95_ms:.0f} ms for callers of {name}; the limit is {limit} ms."
            )

    def _figures(self) -> str:
        """The results of this step's test requests as text."""
        p95 = self.p95_ms
        quick = "" if p95 is None else f", p95 {p95:.0f} ms"
        failed = f"{self.errors} failed ({self._failures()})" if self.errors else "none failed"
        return f"{self.requests} test request{'s' * (self.requests != 1)}, {failed}{quick}"

    def _failures(self) -> str:
        kinds = sorted(item for item in self._statuses.items() if item[0] != 200)
        return ", ".join(f"{status or 'no answer'} × {count}" for status, count in kinds)

    def _say(self, *, only_now_and_then: bool = False) -> None:
        if only_now_and_then and time.monotonic() - self._said < SAY_SECONDS:
            return
        self._said = time.monotonic()
        p95, seen = self.p95_ms, self._measured
        self._task.watched(
            deployment=self._planned.deployment,
            step=self._step,
            steps=len(self._planned.steps),
            traffic=self._split,
            left=round(max(self._planned.pause - self._waited, 0.0), 1),
            requests=self.requests,
            errors=self.errors,
            statuses={str(status or "none"): count for status, count in sorted(self._statuses.items())},
            p95_ms=None if p95 is None else round(p95, 1),
            callers=None if seen is None else {"requests": seen.requests, "errors": seen.errors, "p95_ms": seen.p95_ms},
        )


def _changed(what: str) -> Exception:
    from tui.cloud.errors import CloudError

    return CloudError(
        title="The endpoint was changed by somebody else during the rollout",
        cause=f"{what[:1].upper()}{what[1:]}. This run does not change it back.",
        remedy="If that was a roll back, nothing is left to do; otherwise apply again.",
        code=CHANGED_BY_OTHERS,
    )
