"""What a load run measures of one deployment on this machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Point:
    """The server at one rate, with one number of workers and of concurrent requests.

    Latencies count from the time at which a request was due, never from when it was sent: a server that stalls makes
    later requests wait, as it would make callers wait ("coordinated omission" would hide that).
    """

    workers: int
    """WORKER_COUNT."""
    concurrency: int
    """max_concurrent_requests_per_instance."""
    rate: float
    """Requests a second that were due."""
    seconds: float
    requests: int
    failed: int
    """Of these requests, the ones without an answer of status 200."""
    answered: float
    """Answers of status 200 a second."""
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float | None
    """Processor time of the serving processes for one request, in milliseconds."""
    cores: float | None
    """Processors that the serving processes used on average."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> Point:
        """Read what `as_dict` wrote."""
        return cls(**told)


@dataclasses.dataclass(frozen=True)
class Memory:
    """Memory of one instance in bytes; None where it was not measured."""

    rest_bytes: int | None
    """Without load, with one worker."""
    worker_bytes: int | None
    """Each further worker."""
    peak_bytes: int | None
    """The most under load, with the most workers that were tried."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One deployment under load."""

    deployment: str
    processor: str
    """Model name of this machine's processor."""
    cores: float
    """Processors that the server had."""
    limited_by: str
    """How the server was kept to its processors: "container", "affinity", or "" if it was not."""
    ready_seconds: float | None
    """From the container's start until it was ready."""
    warm_up: tuple[int, float]
    """Calls and seconds before latencies had settled; no figure includes them."""
    request_bytes: tuple[int, int]
    """The smallest and the largest body."""
    source: str
    """Where the bodies come from: "sample", "file" or "signature"."""
    points: tuple[Point, ...]
    memory: Memory
    spread: float | None
    """Relative spread of the throughput of repeated points: (largest - smallest) / median."""
    blocked: bool | None
    """Whether a worker answers one request at a time, as measured."""
    refused: str
    """Not empty: why there are no figures."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dataclasses.asdict(self)

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> Measured:
        """Read what `as_dict` wrote, also after JSON has made its tuples lists."""
        content = dict(told)
        content["points"] = tuple(Point.of_dict(one) for one in content["points"])
        content["memory"] = Memory(**content["memory"])
        content["warm_up"] = tuple(content["warm_up"])
        content["request_bytes"] = tuple(content["request_bytes"])
        return cls(**content)
