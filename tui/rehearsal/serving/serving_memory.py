"""Measures the memory and the processor time of the rehearsal's scoring servers from /proc.

`python -m tui.rehearsal.serving.serving_memory` prints one JSON object per line: first `{"home": folder}`, then, after
each increase, `{"deployments": {name: {"now": bytes, "peak": bytes, "processes": n}}}`. It ends when its standard
input is closed. To each line there, it answers `{"now": {instance: {…}}}`, of containers too: `bytes` of memory, `cpu`
in seconds so far, `processes`, whether its cores are `limited`, and the `place` where the server listens (a socket's
path or a URL). After the line `afresh`, peaks begin anew.

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

from tui.rehearsal.container_engine import usage
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


def processor_seconds(group: int) -> float | None:
    """The processor time of a process group's processes and of their ended children; None if there are none."""
    if not PROC.joinpath("self/status").exists():
        import psutil

        with contextlib.suppress(psutil.Error, OSError):
            keeper = psutil.Process(group)
            return float(sum(sum(one.cpu_times()[:2]) for one in (keeper, *keeper.children(recursive=True))))
        return None
    seconds = 0.0
    for process in PROC.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                of_process, spent = _spent(process)
                seconds += spent if of_process == group else 0
    return seconds or None


def _spent(process: Path) -> tuple[int, float]:
    """A process's group, and its processor time so far in seconds with that of ended children (proc_pid_stat(5))."""
    # The command name in parentheses may contain anything: read after the last parenthesis.
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return int(fields[2]), sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


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


def servers(containers: Path) -> dict[str, dict[str, Any]]:
    """Each instance below this folder as it is now; empty without /proc."""
    mark = os.fsencode(containers) + b"/"
    found: dict[str, dict[str, Any]] = {}
    for process in PROC.iterdir() if PROC.joinpath("self/status").exists() else ():
        instance = instance_of(process, mark) if process.name.isdigit() else None
        if instance is None:
            continue
        one = found.setdefault(instance, {"bytes": 0, "cpu": 0.0, "processes": 0, "place": ""})
        with contextlib.suppress(OSError, ValueError, IndexError):
            variables = (process / "environ").read_bytes().split(b"\0")
            one["bytes"] += taken(process)[0]
            one["cpu"] += _spent(process)[1]
            one["processes"] += 1
            folder = next((os.fsdecode(text[16:]) for text in variables if text.startswith(b"XDG_RUNTIME_DIR=")), "")
            one["place"] = f"{folder}/s" if folder else ""
            one["limited"] = b"/aml-deploy-" in (process / "cgroup").read_bytes()
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
    while True:
        if select.select([sys.stdin], [], [], EVERY)[0]:
            line = sys.stdin.readline()
            if not line:
                break
            peaks = Peaks() if line == "afresh\n" else peaks
            _print({"now": servers(home.containers) or usage.servers(home.folder)})
        if peaks.add(look(home.containers)):
            _print({"deployments": peaks.found})
    peaks.add(look(home.containers))
    _print({"deployments": peaks.found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
