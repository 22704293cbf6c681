"""Looks up prices of instances: in Microsoft's public Retail Prices API if reachable, else in this project's table.

Fields and filters are from Microsoft, "Azure Retail Prices overview" (rest/api/cost-management/retail-prices):
values of filters are case-sensitive since version 2023-01-01-preview; `type` Consumption is pay as you go.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from tui.cloud.http import cache
from tui.plan.sizes import price_currency, price_date, price_note, price_per_hour

ADDRESS = "https://prices.azure.com/api/retail/prices"
API_VERSION = "2023-01-01-preview"
HOURS_A_MONTH = 730
"""As in Azure's pricing calculator."""
KEPT_SECONDS = 86_400.0
TIMEOUT_SECONDS = 3.0
MOST_PAGES = 3
UNREACHABLE_SECONDS = 600.0
"""How long an API that did not answer is not called again."""

_silent: dict[str, float] = {}


@dataclass(frozen=True)
class Price:
    """The list price of one instance for an hour; `source` is `api` or `table`, `note` describes it.

    `dated` is the price's date as a short text.
    """

    amount: float
    currency: str
    source: str
    note: str
    dated: str = ""


@dataclass(frozen=True)
class Estimate:
    """The cost of a deployment; `hour` and `month` are None if no price is known, and do not include `extras`."""

    size: str
    count: int
    region: str
    hour: float | None
    month: float | None
    currency: str
    source: str
    note: str
    dated: str
    extras: tuple[str, ...]


def estimate(
    size: str,
    count: int,
    region: str,
    *,
    private: bool,
    managed_network: bool,
    ask: bool = True,
    address: str = ADDRESS,
    environ: Mapping[str, str] | None = None,
) -> Estimate:
    """The cost of `count` instances of a size in a region (Azure's name, such as eastus2).

    Without `ask`, only the table is used, as for a rehearsal. Takes at most three seconds and raises nothing.
    """
    place = region.lower().replace(" ", "")
    price = (_asked(size, place, address, environ) if ask else None) or _from_table(size, place)
    note = price.note if price else f"No price of {size} in {place or 'this region'} is known."
    return Estimate(
        size=size,
        count=count,
        region=place,
        hour=None if price is None else round(price.amount * count, 4),
        month=None if price is None else round(price.amount * count * HOURS_A_MONTH, 2),
        currency=price.currency if price else price_currency(),
        source=price.source if price else "none",
        note=note,
        dated=price.dated if price else "",
        extras=tuple(_extras(private, managed_network)),
    )


def _extras(private: bool, managed_network: bool) -> list[str]:
    endpoints = "Private endpoints, per hour each and per gigabyte of traffic."
    network = (
        "The managed virtual network, with its private endpoints, and an Azure Firewall if there are rules by "
        "domain name."
    )
    use = "Storage, container registry, logs and outbound data, by use."
    return [*([endpoints] if private else []), *([network] if managed_network else []), use]


def _from_table(size: str, region: str) -> Price | None:
    amount = price_per_hour(size, region)
    if amount is None:
        return None
    note = f"From this program's {price_date()}. {price_note()}"
    return Price(amount, price_currency(), "table", note, price_date())


def _asked(size: str, region: str, address: str, environ: Mapping[str, str] | None) -> Price | None:
    """The API's price, cached for a day; None if it does not answer."""
    if not region or not re.fullmatch(r"[A-Za-z0-9_]+", size) or not re.fullmatch(r"[a-z0-9]+", region):
        return None
    place = cache.folder("prices", environ) / f"{size}-{region}.json"
    known = cache.read(place, KEPT_SECONDS)
    with contextlib.suppress(TypeError):  # cached by a version with other fields
        if known is not None:
            return Price(**known)
    amount = _fetched(size, region, address) if time.monotonic() >= _silent.get(address, 0.0) else None
    if amount is None:
        return None
    today = datetime.now(timezone.utc).date().isoformat()
    note = f"Microsoft's list price of {today}; pay as you go, Linux; yours may differ."
    price = Price(amount, "USD", "api", note, f"list price of {today}")
    cache.write(place, asdict(price))
    return price


def _fetched(size: str, region: str, address: str) -> float | None:
    import requests

    from tui.cloud.http import connections

    wanted = (
        f"serviceName eq 'Virtual Machines' and armRegionName eq '{region}' and armSkuName eq '{size}' "
        "and priceType eq 'Consumption'"
    )
    query: dict[str, str] | None = {"api-version": API_VERSION, "currencyCode": "'USD'", "$filter": wanted}
    end = time.monotonic() + TIMEOUT_SECONDS
    items: list[dict[str, Any]] = []
    try:
        url, http = address, connections.session()
        for _ in range(MOST_PAGES):
            answer = http.get(url, params=query, timeout=max(0.1, end - time.monotonic()))
            answer.raise_for_status()
            page = answer.json()
            items += [item for item in page.get("Items") or [] if isinstance(item, dict)]
            following = page.get("NextPageLink")
            if not isinstance(following, str) or not following.startswith(address) or time.monotonic() > end:
                break
            url, query = following, None
    except (requests.RequestException, ValueError, AttributeError):
        _silent[address] = time.monotonic() + UNREACHABLE_SECONDS
        return None
    prices = [float(item["retailPrice"]) for item in items if _is_linux_on_demand(item)]
    return min(prices) if prices else None


def _is_linux_on_demand(item: Mapping[str, Any]) -> bool:
    """Whether a price is for a Linux machine by the hour: not Windows, not Spot, not low priority."""
    words = f"{item.get('skuName')} {item.get('meterName')} {item.get('productName')}"
    other = ("Windows", "Spot", "Low Priority", "Cloud Services", "Dedicated Host")
    amount = item.get("retailPrice")
    return (
        str(item.get("type", "Consumption")) == "Consumption"
        and str(item.get("unitOfMeasure")) == "1 Hour"
        and isinstance(amount, (int, float))
        and amount > 0
        and not any(word.lower() in words.lower() for word in other)
    )
