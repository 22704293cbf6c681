"""The table of sizes as data: prices, whether a size fits, the columns for a width. Contains no screens."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Callable

from tui.app.steps.review.summary import HOURS_A_MONTH
from tui.common.cell_width import ljust, rjust
from tui.plan import sizes
from tui.plan.sizes import Fit, Size

GAP = 2  # cells between columns


@dataclass(frozen=True)
class SizeRow:
    """An offered size, evaluated for a number of instances. `price` is in US dollars per instance and hour.

    `holds` is whether it holds the load that was asked for, as measured; None without a measurement.
    """

    size: Size
    count: int
    left: int | None
    fit: Fit
    price: float | None
    holds: bool | None = None

    @property
    def verdict(self) -> tuple[bool | None, str]:
        """Whether it can be chosen (None: unknown), and a word for the column."""
        if self.holds is False and self.fit.fits is not False:
            return False, "not chosen"
        return self.fit.fits, f"{self.fit.short}, holds" if self.holds and self.fit.short == "fits" else self.fit.short

    @property
    def hourly(self) -> float | None:
        """The hourly cost of all instances."""
        return None if self.price is None else self.price * self.count

    @property
    def monthly(self) -> float | None:
        """The cost of all instances in 730 hours."""
        return None if self.hourly is None else self.hourly * HOURS_A_MONTH


def rows(
    offers: Sequence[Mapping[str, Any]], count: int, region: str, existing: Mapping[str, Any] | None = None
) -> list[SizeRow]:
    """Return all offered sizes, evaluated for `count` instances; fitting ones, CPU and small sizes come first.

    `existing` is Azure's data of the plan's deployment, whose cores become available again.
    """
    found = [_row(offer, count, region, existing) for offer in offers]
    return sorted(
        found, key=lambda row: (row.fit.fits is False, row.fit.short == "retired", row.size.gpus > 0, row.size.cores)
    )


def _row(offer: Mapping[str, Any], count: int, region: str, existing: Mapping[str, Any] | None) -> SizeRow:
    name = str(offer["name"])
    size = sizes.find(name) or Size(
        name=name,
        family=str(offer.get("family") or ""),
        cores=int(offer.get("cores") or 0),
        gpus=float(offer.get("gpus") or 0),
        memory_gib=offer.get("memory_gib"),
        temp_disk_gib=None,
        skip_reserve=bool(offer.get("skip_reserve")),
        infiniband=False,
    )
    left = offer.get("quota_left")
    offered = bool(offer.get("offered", True))
    fit = sizes.fit(
        size, count, left, offered=offered, where=region or "this region", held=_held(size, existing)
    )  # fmt: skip
    return SizeRow(size, count, left, fit, sizes.price_per_hour(name, region) if region else None)


def _held(size: Size, existing: Mapping[str, Any] | None) -> int:
    """Return the cores of the size's family that the deployment uses now."""
    if not existing or str(existing.get("provisioning_state")) == "Failed":
        return 0
    now = sizes.find(str(existing.get("instance_type") or ""))
    count = existing.get("instance_count")
    if now is None or now.family.lower() != size.family.lower() or not isinstance(count, int):
        return 0
    return sizes.quota_needed(now, count)


# Columns


@dataclass(frozen=True)
class Column:
    """A column: heading, width in cells, the text of a row, and whether it is a number (right-aligned)."""

    head: str
    width: int
    text: Callable[[SizeRow], str]
    number: bool = True


def _money(amount: float | None, digits: int = 2) -> str:
    return "" if amount is None else f"{amount:,.{digits}f}"


def _gpus(row: SizeRow) -> str:
    return str(Fraction(row.size.gpus).limit_denominator(6)) if row.size.gpus else ""


def _memory(row: SizeRow) -> str:
    return "" if row.size.memory_gib is None else f"{row.size.memory_gib:g} GiB"


SIGNS = {True: "✔", False: "✖", None: "·"}

_NAME = Column("Size", 25, lambda row: row.size.name, number=False)
_ALWAYS = (
    Column("Cores", 5, lambda row: str(row.size.cores)),
    Column("Memory", 7, _memory),
    Column("GPU", 3, _gpus),
    Column("USD/h", 5, lambda row: _money(row.hourly)),
    Column("Left", 4, lambda row: "" if row.fit.after is None else str(max(row.fit.after, 0))),
)
_ROOMY = (
    Column("Cores", 5, lambda row: str(row.size.cores)),
    Column("Memory", 7, _memory),
    Column("GPU", 3, _gpus),
    Column("USD/hour", 8, lambda row: _money(row.hourly)),
    Column("USD/month", 9, lambda row: _money(row.monthly, 0)),
    Column("Free", 5, lambda row: "" if row.left is None else str(row.left)),
    Column("Needs", 5, lambda row: str(row.fit.needed)),
    Column("Left", 4, lambda row: "" if row.fit.after is None else str(max(row.fit.after, 0))),
)
_FITS = Column("Fits", 13, lambda row: f"{SIGNS[row.verdict[0]]} {row.verdict[1]}", number=False)


def columns(width: int) -> list[Column]:
    """Return the columns that fit in `width` cells; always includes size, quota left and whether it fits."""
    chosen = [_NAME, *(_ROOMY if width >= 95 else _ALWAYS), _FITS]
    # Drop the least needed first: what the name says too, then what the summary says about the selected size.
    for head in ("Free", "GPU", "Needs", "Memory", "Cores", "USD/month", "USD/h", "USD/hour"):
        if sum(column.width + GAP for column in chosen) - GAP <= width:
            break
        chosen = [column for column in chosen if column.head != head]
    return chosen


def line(chosen: Sequence[Column], row: SizeRow | None = None) -> list[str]:
    """Return the padded cells of a row, or of the headings without a row."""
    cells = []
    for column in chosen:
        text = column.head if row is None else column.text(row)
        cells.append(rjust(text, column.width) if column.number else ljust(text, column.width))
    return cells


# Filter

_COMPARISON = re.compile(r"^(cores|memory|gpus?|price|left)(<=|>=|=|<|>)(\d+(?:\.\d+)?)$")
FILTER_HELP = (
    "Parts of the name or family, gpu, cpu, fits, holds, cores>=8, memory>=32, price<1. All of them must match."
)


def matching(found: Sequence[SizeRow], words: str) -> list[SizeRow]:
    """Return the rows that match every word of a filter; see FILTER_HELP."""
    tests = [_test(word) for word in words.lower().split()]
    return [row for row in found if all(test(row) for test in tests)]


_WORDS: dict[str, Callable[[SizeRow], bool]] = {
    "gpu": lambda row: row.size.gpus > 0,
    "cpu": lambda row: not row.size.gpus,
    "fits": lambda row: row.verdict[0] is True,
    "holds": lambda row: row.holds is True,
}
_VALUES: dict[str, Callable[[SizeRow], float | None]] = {
    "cores": lambda row: row.size.cores,
    "memory": lambda row: row.size.memory_gib,
    "gpu": lambda row: row.size.gpus,
    "gpus": lambda row: row.size.gpus,
    "price": lambda row: row.hourly,
    "left": lambda row: row.left,
}
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


def _test(word: str) -> Callable[[SizeRow], bool]:
    compared = _COMPARISON.match(word)
    if compared is None:
        return _WORDS.get(word, lambda row: word in row.size.name.lower() or word in row.size.family.lower())
    of, compare, number = _VALUES[compared.group(1)], _COMPARE[compared.group(2)], float(compared.group(3))

    def holds(row: SizeRow) -> bool:
        value = of(row)
        return value is not None and compare(value, number)

    return holds


# Texts


def cost_in_words(row: SizeRow, region: str, estimate: Mapping[str, Any] | None = None) -> str:
    """Return the hourly and monthly cost of a row's instances, with the price's date; or why it is not known.

    `estimate` is the helper's answer for the plan's size and number of instances.
    """
    name = row.size.name
    if estimate is not None and (estimate["size"], estimate["count"]) == (name, row.count):
        each = estimate["hour"] / row.count
        said = f"{row.count} × {each:g}, {estimate['dated']}"
        return f"{estimate['hour']:.2f} {estimate['currency']} an hour, {estimate['month']:,.0f} a month ({said})"
    if row.price is None or row.hourly is None or row.monthly is None:
        why = f"no list price available for {name} in {region}" if region else "the workspace's region is not read yet"
        return f"Not known: {why}."
    currency, dated = sizes.price_currency(), sizes.price_date()
    return f"{row.hourly:.2f} {currency} an hour, {row.monthly:,.0f} a month ({row.count} × {row.price:g}, {dated})"
