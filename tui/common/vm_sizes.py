"""The virtual machine sizes that managed online endpoints take, and the quota that instances of them need.

The list and its sources are in `managed_online_sizes.csv`, which is read on first use.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """A virtual machine size. Quota is counted per `family`; `gpus` can be a fraction (0.33…); `memory_gib` and
    `temp_disk_gib` are None if unknown; with `skip_reserve`, Azure does not reserve 20 % for upgrades."""

    name: str
    family: str
    cores: int
    gpus: float
    memory_gib: float | None
    temp_disk_gib: int | None
    skip_reserve: bool
    infiniband: bool


@lru_cache(maxsize=1)
def _all() -> dict[str, Size]:
    with Path(__file__).with_name("managed_online_sizes.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {
            row["name"].lower(): Size(
                name=row["name"],
                family=row["family"],
                cores=int(row["cores"]),
                gpus=float(Fraction(row["gpus"])),
                memory_gib=float(row["memory_gib"]) if row["memory_gib"] else None,
                temp_disk_gib=int(row["temp_disk_gib"]) if row["temp_disk_gib"] else None,
                skip_reserve=row["skip_reserve"] == "yes",
                infiniband=row["infiniband"] == "yes",
            )
            for row in rows
        }


def sizes() -> list[Size]:
    """All sizes in Microsoft's order: by family, from small to large."""
    return list(_all().values())


def find(name: str) -> Size | None:
    """The size with this name (case-insensitive), or None."""
    return _all().get(name.lower())


def quota_needed(size: Size, count: int) -> int:
    """The cores of quota that `count` instances need: `ceil(1.2 * count) * cores`.

    Azure reserves 20 % more instances for upgrades, except for some GPU sizes (Microsoft, how-to-manage-quotas).
    """
    instances = count if size.skip_reserve else -(-6 * count // 5)
    return instances * size.cores
