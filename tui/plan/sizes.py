"""Virtual machine sizes of managed online endpoints: whether they fit the quota, retirement, list price.

The prices and their source are in `data/`; they are read on first use.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from tui.common.vm_sizes import Size, find, quota_needed, sizes

__all__ = ["Size", "find", "quota_needed", "sizes"]

_PRICES = Path(__file__).with_name("data") / "prices.json"

LIST = "https://learn.microsoft.com/azure/machine-learning/reference-managed-online-endpoints-vm-sku-list"
RETIREMENTS = "https://learn.microsoft.com/azure/virtual-machines/sizes/retirement/retired-sizes-list"


@dataclass(frozen=True)
class Retirement:
    """The date on which Azure retires a series."""

    series: str
    on: date


SOON = timedelta(days=365)  # a later retirement is mentioned, but does not cause a warning

# Microsoft, retired-sizes-list, as of 2026-04: series with a date, by the family that quota is counted by. It no longer
# has NCv2, whose date is that of "NCv2-series retirement".
_RETIREMENTS = {
    "standardDSv2Family": Retirement("Dsv2", date(2028, 5, 1)),
    "standardFSv2Family": Retirement("Fsv2", date(2028, 11, 15)),
    "standardLSv2Family": Retirement("Lsv2", date(2028, 11, 15)),
    "standardNCSv2Family": Retirement("NCv2", date(2023, 9, 6)),
    "standardNCSv3Family": Retirement("NCv3", date(2025, 9, 30)),
}

# Microsoft, reference-managed-online-endpoints-vm-sku-list: may be too small for some models.
_SMALL = {"Standard_DS1_v2", "Standard_F2s_v2"}


@dataclass(frozen=True)
class Fit:
    """Whether instances of a size fit into the quota left.

    `needed` is the number of cores that a deployment uses, `after` the number left afterwards; `after` and `fits` are
    None if the quota is unknown. `short` is for a table column, `reason` is a sentence.
    """

    needed: int
    after: int | None
    fits: bool | None
    short: str
    reason: str


def fit(size: Size, count: int, left: int | None, *, offered: bool = True, where: str = "here", held: int = 0) -> Fit:
    """Check `count` instances of a size against the cores of its family that are `left` (None: unknown).

    `held` is the number of cores of the family that the same deployment already uses and will release.
    """
    needed = quota_needed(size, count)
    if not offered:
        reason = f"This size is not available for managed online endpoints in {where}."
        return Fit(needed, None, False, "not offered", reason)
    if left is None:
        reason = f"Needs {needed} cores of {size.family}; the service reports no quota for this family."
        return Fit(needed, None, None, "unknown", reason)
    reserve = "" if size.skip_reserve else " including the 20 % that Azure reserves for upgrades"
    after = left + held - needed
    reason = f"Needs {needed} cores of {size.family}{reserve}; {left} are left"
    reason += f", plus {held} that the deployment already uses." if held else "."
    if after < 0:
        return Fit(needed, after, False, f"no: {-after} short", reason)
    if _retired(size, None):
        return Fit(needed, after, True, "retired", f"{reason} {warnings(size)[0]}")
    return Fit(needed, after, True, "fits", reason)


def retirement(size: Size) -> Retirement | None:
    """The retirement of the size's series, or None if Microsoft has not announced one."""
    return _RETIREMENTS.get(size.family)


def retirement_note(size: Size) -> str:
    """A sentence about an announced retirement at any date; empty if there is none."""
    planned = retirement(size)
    if planned is None:
        return ""
    day = planned.on.isoformat()
    return f"Azure retires the {planned.series} series on {day}, and limits it earlier for new subscriptions."


def warnings(size: Size, today: date | None = None) -> list[str]:
    """Warnings about choosing a size, in sentences with dates; empty if there are none."""
    found = []
    planned = retirement(size)
    if planned:
        day = planned.on.isoformat()
        if planned.on <= (today or date.today()):
            found.append(f"Azure retired the {planned.series} series on {day}; {size.name} is no longer available.")
        elif planned.on - (today or date.today()) <= SOON:
            found.append(retirement_note(size))
    if size.name in _SMALL:
        found.append(f"Microsoft notes that {size.name} can be too small: the container can run out of memory or disk.")
    return found


def larger(name: str, need: int = 0, today: date | None = None) -> str:
    """The smallest size with more memory than a size, and than `need` bytes, with cores and memory; empty if none.

    Of the same family, whose quota the deployment uses already, else of another that Azure has not retired.
    """
    size = find(name)
    if size is None or size.memory_gib is None:
        return ""
    least, family, gpus = max(size.memory_gib, need / 2**30), size.family, size.gpus
    found = [one for one in sizes() if (one.memory_gib or 0) > least and one.gpus >= gpus and not _retired(one, today)]
    order = [(one.family != family, one.gpus, one.memory_gib, one.cores, one.name) for one in found]
    _, _, memory, cores, best = min(order, default=(False, 0, 0, 0, ""))
    return best and f"{best} ({cores} cores, {memory:g} GiB)"


def _retired(size: Size, today: date | None) -> bool:
    planned = retirement(size)
    return planned is not None and planned.on <= (today or date.today())


@lru_cache(maxsize=1)
def _prices() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_PRICES.read_text(encoding="utf-8"))
    loaded["prices"] = {name.lower(): regions for name, regions in loaded["prices"].items()}
    return loaded


def price_per_hour(name: str, region: str) -> float | None:
    """The list price of one instance in US dollars an hour, or None if the table has none.

    `region` is Azure's name of the region, such as eastus2. Show `price_note()` next to the price.
    """
    price = _prices()["prices"].get(name.lower(), {}).get(region.lower().replace(" ", ""))
    return None if price is None else float(price)


def price_note() -> str:
    """The kind of price that `price_per_hour` returns, to show next to it."""
    table = _prices()
    dated = f"of {table['dated']}" if table["dated"] else f"as collected on {table['collected']}, without a date"
    return f"List price in {table['currency']} {dated}, Linux, pay as you go; your contract may differ."


def price_date() -> str:
    """The label of a price: `list price of 2026-05-01`, or when it was collected if the source has no date."""
    table = _prices()
    return f"list price of {table['dated']}" if table["dated"] else f"table of {table['collected']}"


def price_currency() -> str:
    """The currency of every price, such as USD."""
    return str(_prices()["currency"])


def cost_words(hour: float, month: float, currency: str, what: str, dated: str, extras: Sequence[str] = ()) -> str:
    """The cost of `what`, the date of its price, and what comes on top, as sentences."""
    more = " ".join(extras)
    words = f"{hour:.2f} {currency} an hour, {month:,.0f} {currency} a month ({what}, {dated})."
    return f"{words} Plus: {more[:1].lower()}{more[1:]}" if more else words
