"""The memory and the cores that a container gets: those of its size, as far as the machine has them.

What Azure itself takes of a size's memory is not public, so a container gets all of it. A process that needs more is
killed, and the container only if that ends it; Kubernetes from 1.28 on kills all processes (cgroup v2).
"""

from __future__ import annotations

from dataclasses import dataclass

from tui.common.vm_sizes import Size
from tui.rehearsal import settings
from tui.rehearsal.container_engine.engine import Engine


@dataclass(frozen=True)
class Limits:
    """What an engine's container gets of a size; None: the size is unknown."""

    engine: Engine
    size: Size | None
    chosen: float = 0.0
    """The cores by settings.CORES_VARIABLE; 0: those of the size."""

    @property
    def cores(self) -> float:
        """The number of cores; 0: no limit."""
        most = min(self.size.cores, self.engine.cores) if self.size else self.engine.cores if self.chosen else 0
        return min(self.chosen or most, most) if self.engine.limits else 0

    @property
    def memory(self) -> int:
        """The memory in bytes; 0: no limit."""
        return min(self._whole, self.engine.memory) if self.engine.limits else 0

    @property
    def _whole(self) -> int:
        return int((self.size.memory_gib or 0) * 2**30) if self.size else 0

    def options(self) -> list[str]:
        """The options of the engine's `create`."""
        # A machine that has no more than the limit ends the model first, not the rehearsal or another program.
        found = ["--oom-score-adj=1000"]
        if self.memory:
            found += [f"--memory={self.memory}", f"--memory-swap={self.memory}"]
        return [*found, f"--cpus={self.cores}"] if self.cores else found

    def in_words(self) -> str:
        """What a container gets, as a clause."""
        if not self.size and self.cores:
            return (
                f"with {self.cores:g} cores ({settings.CORES_VARIABLE}) and unlimited memory, since the size is unknown"
            )
        if not self.size or not self.cores:
            why = "the size is unknown" if self.engine.limits else f"{self.engine.name} can't set them here"
            return f"without limits of memory and cores, since {why}"
        s = "" if self.size.cores == 1 else "s"
        cores = f"{self.cores:g} core{s}"
        if self.cores < self.size.cores:
            chosen = f" ({settings.CORES_VARIABLE})" if self.cores == self.chosen else ""
            cores = f"{self.cores:g} of the {self.size.cores} core{s}{chosen}"
        memory = f"{_gib(self.memory)} GiB" if self.memory else "unlimited memory (the size's is unknown)"
        if self.memory < self._whole:
            memory = f"{_gib(self.memory)} of the {_gib(self._whole)} GiB"
        less = self.cores < min(self.size.cores, self.chosen or self.size.cores) or self.memory < self._whole
        return f"with {cores} and {memory} of {self.size.name}{' (this machine has no more)' if less else ''}"

    def exceeded(self) -> str:
        """Why a process was killed, beginning with Kubernetes' reason."""
        if self.size and 0 < self._whole == self.memory:
            return f"OOMKilled: the container needed more than the {_gib(self.memory)} GiB of {self.size.name}"
        of = f" ({self.size.name} has {_gib(self._whole)} GiB)" if self.size and self._whole else ""
        return f"OOMKilled: the container needed more than this machine's {_gib(self.engine.memory)} GiB{of}"


def _gib(count: int) -> str:
    return f"{round(count / 2**30, 1):g}"
