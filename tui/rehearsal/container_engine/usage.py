"""What the containers of a rehearsal take of the machine, read through the engine's command line.

Their processes are the engine's machine's (a virtual machine with Docker Desktop): so a command in the container reads
its own control group, of version 1 or 2 (docs.kernel.org: admin-guide/cgroup-v1/memory and cpuacct, cgroup-v2).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

from tui.rehearsal.container_engine.engine import LABEL
from tui.rehearsal.programs import without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SECONDS = 30.0
_READ = """
cat /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null
sed 's/^/cpuacct /' /sys/fs/cgroup/cpuacct/cpuacct.usage 2>/dev/null
grep -lzs '^/azureml-server/' /proc/[0-9]*/cmdline
true
"""
"""Files of both versions, and then the server's own processes: this command is in the same group."""
_CPU = (("usage_usec", 1e-6), ("cpuacct", 1e-9))
_MEMORY = ("anon", "total_rss")
"""Without the cache of files, which the kernel gives back before a container's limit kills a process."""


def servers(home: Path) -> dict[str, dict[str, Any]]:
    """The containers that serve deployments of the rehearsal in this folder, as they are now, by instance.

    `bytes`, `cpu` in seconds so far, `processes`, `limited` (whether its cores are), and `place`, the address of its
    scoring port. Empty where there are none, or the engine does not answer.
    """
    found: dict[str, dict[str, Any]] = {}
    for mark in home.glob("made-with-*"):
        with contextlib.suppress(OSError, ValueError, LookupError, subprocess.SubprocessError):
            program = mark.read_text(encoding="utf-8")
            names = _said(program, "ps", "-q", "--filter", f"label={LABEL}={home.name}").split() if program else []
            described = json.loads(_said(program, "inspect", *names)) if names else []
            there = {str(one["Name"]).lstrip("/"): one for one in described}
            for name, one in there.items():
                relay = there.get(f"{name}-relay")
                # The relay of a closed network has no port; one for all its containers does.
                outer = there.get(f"{name.rpartition('-')[0]}-relay", relay)
                if relay is not None and outer is not None:
                    ports = {**_ports(relay), **_ports(outer)}
                    found[str(relay["Config"]["Hostname"])] = {
                        **_taken(_said(program, "exec", name, "sh", "-c", _READ)),
                        "place": f"http://127.0.0.1:{ports[min(ports)]}",
                        "limited": bool(one["HostConfig"].get("NanoCpus") or one["HostConfig"].get("CpuQuota")),
                    }
    return found


def _ports(relay: dict[str, Any]) -> dict[str, str]:
    published = relay["NetworkSettings"].get("Ports") or {}
    return {port: places[0]["HostPort"] for port, places in published.items() if places}


def _taken(told: str) -> dict[str, Any]:
    numbers = dict(re.findall(r"^(\w+) (\d+)$", told, re.MULTILINE))
    return {
        "bytes": next((int(numbers[name]) for name in _MEMORY if name in numbers), 0),
        "cpu": next((int(numbers[name]) * unit for name, unit in _CPU if name in numbers), 0.0),
        "processes": len(re.findall(r"^/proc/\d+/cmdline$", told, re.MULTILINE)),
    }


def _said(program: str, *arguments: str) -> str:
    return subprocess.check_output(
        [program, *arguments], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True, timeout=_SECONDS,
        env=without_secrets(os.environ),
    )  # fmt: skip
