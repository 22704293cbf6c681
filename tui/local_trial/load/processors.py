"""Gives server and generator processors of their own, where the system can (Linux)."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import platform
from collections.abc import Iterator
from pathlib import Path

_MANY = 8
"""From this number of processors on, the generator has two."""


@dataclasses.dataclass(frozen=True)
class Processors:
    """How this machine's processors are shared. `affinity`: whether each side is kept to its own.

    `cores`: what the server has of its own, which may be a part of one.
    """

    server: tuple[int, ...]
    generator: tuple[int, ...]
    cores: float
    affinity: bool
    refused: str = ""
    """Not empty: why nothing can be measured."""

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """What is started inside is kept to the server's processors, with all that it starts in turn.

        Afterwards this thread, and what it starts, is kept to the generator's.
        """
        try:
            self._keep_to(self.server)
            yield
        finally:
            self._keep_to(self.generator)

    def release(self) -> None:
        """Let this thread use all processors again."""
        self._keep_to((*self.server, *self.generator))

    def _keep_to(self, some: tuple[int, ...]) -> None:
        if self.affinity:
            os.sched_setaffinity(0, some)


def shared(wanted: float | None = None) -> Processors:
    """How this machine is shared, with so much for the server, else all but the generator's processors."""
    affinity = hasattr(os, "sched_setaffinity")
    there = sorted(os.sched_getaffinity(0)) if affinity else list(range(os.cpu_count() or 1))
    there = there[: int(max(1, min(len(there), _quota())))]
    server = there[: max(0, len(there) - (2 if len(there) >= _MANY else 1))]
    machine = f"this machine has {len(there)} processor{'' if len(there) == 1 else 's'}"
    if not server:
        why = f"The server and the load on it need processors of their own, and {machine}."
    elif wanted is not None and not 0 < wanted <= len(server):
        why = f"The server was to have {wanted:g} processors beside those of the load on it, and {machine}."
    else:
        why = ""
    cores = float(len(server) if wanted is None else wanted)
    return Processors(tuple(server[: math.ceil(cores)]), tuple(there[len(server) :]), cores, affinity, why)


def _quota() -> float:
    """The number of processors that a limit of this machine's own container allows; infinite without one."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota, period = (Path("/sys/fs/cgroup/cpu", f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else math.inf
    return math.inf


def model_name() -> str:
    """The model of this machine's processor, as the system names it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
