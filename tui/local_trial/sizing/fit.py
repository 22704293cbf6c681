"""How many instances of a size hold a load, in one of the ways that were measured, or why none do.

Another size differs from this machine by the number of its cores and nothing else. Each instance is taken as a queue of
its own: how Azure spreads requests over instances is not documented.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tui.local_trial.load.measured import Measured
from tui.local_trial.sizing import words
from tui.local_trial.sizing.curve import Way
from tui.local_trial.sizing.words import counted
from tui.local_trial.verdict import GIB, TIGHT, in_bytes
from tui.plan import sizes as table
from tui.plan.sizes import Size

INSTANCES = 50
"""Azure's limit for a deployment (how-to-manage-quotas)."""
CONCURRENT = 1000
"""The most concurrent requests of an instance that a plan takes, and so its workers."""
HEADROOM = 0.1
"""The least share of an instance's load that is kept free, for chance and for the time until a new instance answers."""


@dataclass(frozen=True)
class Wanted:
    """Requests a second, and the limit of their p95 in milliseconds; None: what one instance does best."""

    rps: float | None = None
    p95_ms: float | None = None


class Fit:
    """Instances of a size that work in one of the measured ways; `problem` says why they cannot hold the load."""

    def __init__(self, measured: Measured, way: Way, size: Size, wanted: Wanted, quota: Mapping[str, int] | None):
        self.measured, self.way, self.size, self.wanted = measured, way, size, wanted
        scale = size.cores / measured.cores
        self.workers = max(1, min(CONCURRENT, math.floor(way.workers * scale + 1e-9)))
        self.concurrency = max(1, min(CONCURRENT, math.floor(way.concurrency * scale + 1e-9)))
        self.served = self.workers if measured.blocked is not False else max(self.workers, self.concurrency)
        """Requests that an instance serves at the same time."""
        # No worker gets fewer cores than it had, unless the size has fewer than one worker had.
        self.grown = scale if way.workers * scale < 1 else min(scale, self.workers / way.workers)
        first = way.points[0]
        parallel = 1.0 if first.cpu_ms is None else first.cpu_ms / max(first.p50_ms, 0.001)
        self.slower = max(1.0, parallel / size.cores) if size.cores < measured.cores else 1.0
        self.limit, self.rps = wanted.p95_ms or 0.0, wanted.rps or 0.0
        self.holds = way.holds(self.limit / self.slower) * self.grown * (1 - margin(measured))
        self.instances = max(1, math.ceil(self.rps / self.holds - 1e-9)) if self.holds else 0
        self.memory = _memory(measured, self.workers)
        self.problem = self._problem(quota)

    @property
    def each(self) -> float:
        """Requests a second that a measured instance would get for each to have its part of the load."""
        return self.rps / self.instances / self.grown

    def _problem(self, quota: Mapping[str, int] | None) -> str:
        has = self.size.memory_gib
        if self.memory is not None and has and self.memory > TIGHT * has * GIB:
            need = f"{counted(self.workers, 'worker')} would need {in_bytes(self.memory)} of memory (estimate)"
            return f"{need}, more than {TIGHT * 100:.0f} % of its {has:g} GiB."
        if not self.holds:
            rest = words.ms(self.way.rest_ms * self.slower)
            return f"Its p95 is {rest} already at the lowest rate; the limit is {words.ms(self.limit)} (estimate)."
        if self.instances > INSTANCES:
            return f"It would need {self.instances:,} instances (estimate); the limit of a deployment is {INSTANCES}."
        if not self.affordable(self.instances, quota):
            left = (quota or {}).get(self.size.family.lower(), 0)
            needed = table.quota_needed(self.size, self.instances)
            what = f"{counted(self.instances, 'instance')} of it"
            return (
                f"{what} need{'s' * (self.instances == 1)} {needed} cores of quota of {self.size.family}; {left} left."
            )
        return ""

    def affordable(self, instances: int, quota: Mapping[str, int] | None) -> bool:
        """Whether the quota has room for this many; a family without a figure is not excluded."""
        left = (quota or {}).get(self.size.family.lower())
        return left is None or table.quota_needed(self.size, instances) <= left

    @property
    def cpu_share(self) -> float | None:
        """The utilisation of the cores in percent at the load that an instance holds; None if not measured."""
        spent = self.way.cpu_ms
        return None if spent is None else min(100.0, self.holds * spent / 10 / self.size.cores)


def _memory(measured: Measured, workers: int) -> int | None:
    """The bytes that an instance with this many workers needs: as measured, and what load adds for each worker."""
    memory = measured.memory
    if memory.rest_bytes is None:
        return memory.peak_bytes
    tried = max((point.workers for point in measured.points), default=1)
    further = memory.worker_bytes if memory.worker_bytes is not None else memory.rest_bytes
    load = max(0, (memory.peak_bytes or 0) - memory.rest_bytes - (tried - 1) * further) / tried
    return round(memory.rest_bytes + (workers - 1) * further + workers * load)


def margin(measured: Measured) -> float:
    """The share of an instance's load that is kept free."""
    return max(HEADROOM, min(0.5, measured.spread or 0.0))


def excluded(size: Size, today: date) -> str:
    """Why a size is not considered whatever was measured; empty if it is."""
    if size.gpus:
        return "It has a GPU, and the load run measured the processor only."
    planned = table.retirement(size)
    if planned and planned.on - today <= table.SOON:
        return table.retirement_note(size)
    return ""


def seriousness(problem: str) -> tuple[bool, bool, str]:
    """Of the reasons of several ways, the last one that can be cured is told: quota before latency before memory."""
    return "quota" not in problem, "memory" in problem, problem
