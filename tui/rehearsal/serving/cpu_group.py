"""A control group of Linux that keeps a bare process, and all it starts, to a part of a processor.

Of cgroup v1 the controller `cpu`, of v2 the first group upwards of this process's own in which another one can be made
(docs.kernel.org: admin-guide/cgroup-v1, cgroup-v2). It is tried once with a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from tui.rehearsal.programs import start

_CGROUPS = Path("/sys/fs/cgroup")
_PERIOD = 100_000
"""Microseconds, the kernel's default."""
_NAME = re.compile(r"aml-deploy-(\d+)-")


def _places() -> Iterator[Path]:
    yield from (place for place in (_CGROUPS / "cpu", _CGROUPS / "cpu,cpuacct") if place.is_dir())
    with contextlib.suppress(OSError):
        own = re.search("^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
        place = _CGROUPS / (own[1] if own else "")
        yield from (one for one in (place, *place.parents) if one.is_relative_to(_CGROUPS))


@lru_cache(maxsize=1)
def _place() -> Path | None:
    """Where groups can be made; those of ended rehearsals are removed there."""
    for place in _places():
        with contextlib.suppress(OSError):
            for left in place.glob("aml-deploy-*"):
                found = _NAME.match(left.name)
                if found and not Path("/proc", found[1]).exists():
                    with contextlib.suppress(OSError):
                        left.rmdir()
            _make(place, "trial", 1).rmdir()
            return place
    return None


def _make(place: Path, name: str, cores: float) -> Path:
    group = place / f"aml-deploy-{os.getpid()}-{name}"
    group.mkdir(exist_ok=True)
    try:
        quota = group / "cpu.cfs_quota_us"
        if quota.exists():
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            quota.write_text(str(int(cores * _PERIOD)))
        else:
            (group / "cpu.max").write_text(f"{int(cores * _PERIOD)} {_PERIOD}")
    except OSError:
        group.rmdir()
        raise
    return group


_entered: list[bool] = []


async def group_of(name: str, cores: float) -> Path | None:
    """A new group of `cores` processors, which `remove` removes; None: this machine lets this user make none."""
    place = _place()
    if place is None or _entered == [False]:
        return None
    if not _entered:
        trial = _make(place, "trial", 1)
        program = await start([*inside(trial), "/bin/sh", "-c", ":"], env={}, cwd=Path.cwd())
        _entered.append(await program.wait() == 0)
        program.close()
        remove(trial)
        return await group_of(name, cores)
    return _make(place, name, cores)


def inside(group: Path) -> list[str | Path]:
    """The beginning of a command that runs in a group."""
    return ["/bin/sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', group]


def remove(group: Path) -> None:
    """Remove the group of ended processes."""
    with contextlib.suppress(OSError):
        group.rmdir()
