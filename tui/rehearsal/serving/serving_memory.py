"""Measures the memory of the rehearsal's scoring servers from /proc.

`python -m tui.rehearsal.serving.serving_memory` prints one JSON object per line: first `{"home": folder}`, then, after
each increase, `{"deployments": {name: {"now": bytes, "peak": bytes, "processes": n}}}`. It ends when its standard
input is closed.

`now` is the proportional share (Pss), so that memory shared by forked workers counts once, as for a container. `peak`
is the largest sum seen, or the kernel's own high-water mark of one process if that is higher, since memory used while
a model is loaded may be freed before the next reading. Each deployment is represented by its largest instance.

Without /proc, psutil reports a process's unshared memory (Uss) and current resident memory: memory shared by forked
workers is not counted, and a peak between two readings is missed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tui.rehearsal.places import Home

EVERY = 0.2
"""Seconds between two readings."""
PROC = Path("/proc")
_OURS = re.compile(rb"/(keeper|closed_network)\.py\0")


def instance_of(process: Path, containers: bytes) -> str | None:
    """The instance (deployment and number) that a process serves, or None for any other process."""
    try:
        variables = (process / "environ").read_bytes().split(b"\0")
        if not any(one.startswith(b"HOME=" + containers) for one in variables):
            return None
        # Not the keeper, nor what answers in a closed network: neither exists on Azure.
        if _OURS.search((process / "cmdline").read_bytes()):
            return None
    except OSError:
        return None
    return next((os.fsdecode(one[9:]) for one in variables if one.startswith(b"HOSTNAME=")), None)


def taken(process: Path) -> tuple[int, int]:
    """A process's current share of memory and peak resident memory, in bytes; 0 for an ended process."""
    now = _kilobytes(process / "smaps_rollup", "Pss:") or _kilobytes(process / "status", "VmRSS:")
    return now * 1024, _kilobytes(process / "status", "VmHWM:") * 1024


def _kilobytes(path: Path, name: str) -> int:
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return 0


class Peaks:
    """The largest figures so far, by deployment."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, int]] = {}

    def add(self, looked: Iterable[tuple[str, int, int]]) -> bool:
        """Add a reading of each process (instance, now, most); return whether a figure has grown by 2 %."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for instance, now, most in looked:
            one = sums[instance]
            one[0], one[1], one[2] = one[0] + now, max(one[1], most), one[2] + 1
        grown = False
        for instance, (now, most, processes) in sums.items():
            deployment = instance.rpartition("-")[0] or instance
            before = self.found.get(deployment, {"now": 0, "peak": 0, "processes": 0})
            peak = max(before["peak"], now, most)
            grown |= peak > before["peak"] * 1.02 or processes > before["processes"]
            count = max(before["processes"], processes)
            self.found[deployment] = {"now": now, "peak": peak, "processes": count}
        return grown


def look(containers: Path) -> list[tuple[str, int, int]]:
    """The processes that serve deployments below this folder: instance, current bytes, peak bytes."""
    if not PROC.joinpath("self/status").exists():
        return _look_with_psutil(containers)
    mark = os.fsencode(containers) + b"/"
    found = []
    for process in PROC.iterdir():
        if process.name.isdigit():
            instance = instance_of(process, mark)
            if instance is not None:
                found.append((instance, *taken(process)))
    return found


def _look_with_psutil(containers: Path) -> list[tuple[str, int, int]]:
    import psutil

    found = []
    for process in psutil.process_iter():
        # Other users' processes cannot be read, and a process may end in the meantime.
        with contextlib.suppress(psutil.Error, OSError):
            variables = process.environ()
            serves = variables.get("HOME", "").startswith(f"{containers}{os.sep}")
            if serves and not any(word.endswith("keeper.py") for word in process.cmdline()):
                memory = process.memory_full_info()
                found.append((variables["HOSTNAME"], memory.uss, memory.rss))
    return found


def _print(content: dict[str, Any]) -> None:
    print(json.dumps(content), flush=True)


def main() -> int:
    """Measure until standard input is closed."""
    home = Home.of(os.environ)
    _print({"home": str(home.folder)})
    peaks = Peaks()
    while not select.select([sys.stdin], [], [], EVERY)[0]:
        if peaks.add(look(home.containers)):
            _print({"deployments": peaks.found})
    peaks.add(look(home.containers))
    _print({"deployments": peaks.found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
