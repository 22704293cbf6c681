"""Check whether a model fits the disk and the memory of the chosen size."""

from __future__ import annotations

from tui.checks.finding import WARNING, Finding
from tui.plan import sizes
from tui.plan.model import Plan

_GIB = 2**30


def findings(plan: Plan, count: int, docs: str, looked_at: str) -> list[Finding]:
    """A warning each for disk and memory if `count` bytes do not fit; `docs` is the link for the kind of source."""
    size = sizes.find(plan.deployment.instance_type)
    if size is None:
        return []
    return [
        Finding(
            "model-size",
            WARNING,
            "deployment.instance_type",
            f"The model is {shown(count)}, but {size.name} has {room:g} GiB of {what}.",
            "Choose a larger size, or a smaller model.",
            docs,
            looked_at,
        )
        for what, room in (("temporary disk", size.temp_disk_gib), ("memory", size.memory_gib))
        if room is not None and count > room * _GIB
    ]


def shown(count: int) -> str:
    """Format a number of bytes: in GiB, as Azure counts disk and memory; below 1 GiB in bytes, kB or MB."""
    if count >= _GIB:
        return f"{count / _GIB:.1f} GiB"
    if count >= 1000**2:
        return f"{count / 1000**2:.1f} MB"
    return f"{count / 1000:.1f} kB" if count >= 1000 else f"{count} bytes"
