"""What a region offers, as far as it is known: sizes, quota left and prices, for a recommendation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.plan import sizes as table
from tui.plan.sizes import Size

REFERENCE = "eastus"
"""The region whose prices are compared if the table has none of the workspace's."""


@dataclass(frozen=True)
class Prices:
    """The price of an instance by size for an hour in `currency`; `note` says of what day and region it is."""

    amounts: Mapping[str, float]
    currency: str
    note: str


@dataclass(frozen=True)
class Offered:
    """The sizes that can be chosen; `quota` is the cores left by family (lower case), or None if unknown.

    `refused` says why a size cannot be chosen.
    """

    sizes: Sequence[Size]
    quota: Mapping[str, int] | None
    prices: Prices
    refused: Mapping[str, str] = field(default_factory=dict)


def prices(region: str) -> Prices:
    """The prices of a region (Azure's name; empty if unknown) from the shipped table, or those of REFERENCE."""
    for place in (region, REFERENCE):
        found = {one.name: table.price_per_hour(one.name, place) for one in table.sizes()}
        amounts = {name: amount for name, amount in found.items() if amount is not None}
        if amounts:
            break
    instead = "" if place == region else f" instead of {region or 'the region of the workspace, which is not known'}"
    note = f"{table.price_date()}, {table.price_currency()}, Linux, pay as you go, region {place}{instead}"
    return Prices(amounts, table.price_currency(), note)


def offered(
    offers: Sequence[Mapping[str, Any]] | None, region: str = "", existing: Mapping[str, Any] | None = None
) -> Offered:
    """What is offered, from the helper's answer `sizes` and Azure's data of the deployment that exists.

    Without an answer it is Microsoft's list, and the quota is unknown. The cores that the deployment has count as left.
    """
    if not offers:
        return Offered(table.sizes(), None, prices(region))
    left: dict[str, int] = {}
    refused, known = {}, []
    for offer in offers:
        size = table.find(str(offer["name"]))
        if size is None:
            continue  # without its memory and cores from Microsoft's list, nothing can be said about it
        if not offer.get("offered", True):
            refused[size.name] = str(offer.get("reason") or "not offered in this region")
            continue
        known.append(size)
        if offer.get("quota_left") is not None:
            left[size.family.lower()] = int(offer["quota_left"])
    now = table.find(str((existing or {}).get("instance_type") or ""))
    if existing and now and now.family.lower() in left and existing.get("provisioning_state") != "Failed":
        left[now.family.lower()] += table.quota_needed(now, int(existing.get("instance_count") or 0))
    return Offered(known, left or None, prices(region), refused)
