"""Runs a load test of an endpoint: concurrent calls, with the latency and status of each."""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from tui.cloud.endpoints import endpoints, keys, scoring
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.keys import EndpointCredential
from tui.cloud.error_explanations import NOT_IN_TIME
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.helper import sessions

KEPT_SECONDS = 60.0  # how long an endpoint and its key are cached
SHOWN_CHARACTERS = 2000  # of the first failed response


@dataclass
class Calls:
    """The results of calls, in the order of their ends: status_code or None, latency_ms or None, ok, deployment,
    `ended` (the seconds from the start to the call's end), and `timed_out` if no response came in time.

    `first_bad` is the text of the first failed response, `error` the first reason for a missing one.
    """

    calls: list[dict[str, Any]] = field(default_factory=list)
    first_bad: str = ""
    error: dict[str, str] | None = None
    seconds: float = 0.0


def burst(
    plan: dict[str, Any],
    body: str,
    deployment: str | None = None,
    count: int = 20,
    parallel: int = 1,
    seconds: float = 1.0,
) -> Calls:
    """Make up to `count` calls, `parallel` at a time; none is started after `seconds`, so that the caller can show
    progress, stop, and request the rest. Calls in progress are waited for.

    Raises CloudError if the endpoint or its key cannot be read.
    """
    cloud = sessions.cloud_of(plan)
    found, credential = _ready(cloud)
    outcome = Calls()
    payload, began = scoring.body_of(body), time.perf_counter()
    left = count

    with ThreadPoolExecutor(max_workers=parallel, thread_name_prefix="burst") as pool:
        under_way: set[Future[Any]] = set()
        while left or under_way:
            if time.perf_counter() - began > seconds and outcome.calls:
                left = 0
            while left and len(under_way) < parallel:
                under_way.add(pool.submit(_one, cloud, found, payload, deployment, credential))
                left -= 1
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                _note(outcome, future.result(), time.perf_counter() - began)
    outcome.seconds = round(time.perf_counter() - began, 3)
    if any(call["status_code"] == 401 for call in outcome.calls):
        _forget(cloud)
    return outcome


def _one(
    cloud: Cloud, found: EndpointInfo, payload: bytes, deployment: str | None, credential: EndpointCredential
) -> scoring.ScoreResult | CloudError:
    try:
        return scoring.score(cloud, found, payload, deployment, credential=credential)
    except CloudError as error:
        return error


def _note(outcome: Calls, answer: scoring.ScoreResult | CloudError, ended: float) -> None:
    call: dict[str, Any] = {"status_code": None, "latency_ms": None, "ok": False, "deployment": ""}
    if isinstance(answer, CloudError):
        outcome.error = outcome.error or {"title": answer.title, "cause": answer.cause, "remedy": answer.remedy}
        call["timed_out"] = NOT_IN_TIME in answer.title
    else:
        call = {name: getattr(answer, name) for name in call}
    outcome.calls.append({**call, "deployment": call["deployment"] or "", "ended": round(ended, 3)})
    if isinstance(answer, scoring.ScoreResult) and not answer.ok and not outcome.first_bad:
        outcome.first_bad = f"{answer.note}\n{answer.body}".strip()[:SHOWN_CHARACTERS]


_lock = threading.Lock()
_known: dict[str, tuple[float, EndpointInfo, EndpointCredential]] = {}


def _ready(cloud: Cloud) -> tuple[EndpointInfo, EndpointCredential]:
    """The endpoint and its credential, cached for a minute, so that a load test does not request keys repeatedly."""
    name = cloud.plan.endpoint.name
    resource = f"{id(cloud.credential)} {endpoints.path(cloud, name)}"  # the identity may have changed
    with _lock:
        kept = _known.get(resource)
    if kept and time.monotonic() - kept[0] < KEPT_SECONDS:
        return kept[1], kept[2]
    found = endpoints.existing(cloud, name, deployments=False)
    credential = keys.credentials(cloud, found)
    with _lock:
        _known[resource] = (time.monotonic(), found, credential)
    return found, credential


def _forget(cloud: Cloud) -> None:
    """Drop a refused key from the cache, since it may have been regenerated."""
    with _lock:
        _known.pop(f"{id(cloud.credential)} {endpoints.path(cloud, cloud.plan.endpoint.name)}", None)
