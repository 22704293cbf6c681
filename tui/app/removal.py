"""What removing takes away from an endpoint and what it leaves, in words and with its price, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.plan import sizes

MADE_TAG = "aml-deploy"  # on every endpoint and deployment that a run has made


@dataclass(frozen=True)
class Removal:
    """`goes` and `stays` are lines for people; `refused` says why nothing would go; `deployment` is None where all
    that the plan made is meant."""

    deployment: str | None
    label: str
    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    price: str = ""
    refused: str = ""


def removals(endpoint: Mapping[str, Any], planned: str, region: str = "") -> list[Removal]:
    """Each deployment that can be removed alone, and first all that the plan made (its deployment, and the endpoint
    when no other deployment is on it and a run made it)."""
    found = list(endpoint.get("deployments") or ())
    each = [_one(endpoint, item, found, region) for item in found]
    return [_plan(endpoint, planned, found, region), *each]


def _plan(endpoint: Mapping[str, Any], planned: str, found: list[Any], region: str) -> Removal:
    label = "All that the plan made"
    name = endpoint.get("name", "")
    mine = next((item for item in found if item.get("name") == planned), None)
    others = [item for item in found if item.get("name") != planned]
    own = MADE_TAG in (endpoint.get("tags") or {})
    kept = tuple(f"deployment {item.get('name')}" for item in others)
    assets = "the registered model, environment and code, which cost next to nothing"
    if mine is not None and MADE_TAG not in (mine.get("tags") or {}):
        why = f"The deployment {planned} was not made by this program; choose it by its name to remove it."
        return Removal(None, label, stays=(f"endpoint {name}", f"deployment {planned}", *kept), refused=why)
    goes = (f"deployment {planned}, {_size(mine)}",) if mine is not None else ()
    if not others and own:
        address = endpoint.get("scoring_uri") or "its address"
        return Removal(None, label, (*goes, f"endpoint {name}: {address} answers no more"), (assets,),
                       _price([mine] if mine else [], region))  # fmt: skip
    stays = (f"endpoint {name}{'' if own else ', which this program did not make'}", *kept, assets)
    if mine is None:
        return Removal(None, label, stays=stays, refused=f"There is no deployment {planned} on {name}.")
    return Removal(None, label, (*goes, *_traffic(endpoint, planned, others)), stays, _price([mine], region))


def _one(endpoint: Mapping[str, Any], mine: Mapping[str, Any], found: list[Any], region: str) -> Removal:
    name = str(mine.get("name"))
    others = [item for item in found if item.get("name") != name]
    goes = (f"deployment {name}, {_size(mine)}", *_traffic(endpoint, name, others))
    alone = "" if others else ", which then answers 404"
    stays = (f"endpoint {endpoint.get('name', '')}{alone}", *(f"deployment {item.get('name')}" for item in others),
             "the registered model, environment and code")  # fmt: skip
    return Removal(name, f"Deployment {name}", goes, stays, _price([mine], region))


def _traffic(endpoint: Mapping[str, Any], name: str, others: list[Any]) -> tuple[str, ...]:
    """What becomes of the share of a deployment that goes."""
    share = int((endpoint.get("traffic") or {}).get(name) or 0)
    if not share:
        return ()
    taking = [str(item.get("name")) for item in others if (endpoint.get("traffic") or {}).get(item.get("name"))]
    to = f"which go to {', '.join(taking)}" if taking else "which nobody answers then"
    return (f"its {share} % of the requests, {to}",)


def _size(deployment: Mapping[str, Any]) -> str:
    return f"{deployment.get('instance_count', '?')} × {deployment.get('instance_type', 'unknown size')}"


def _price(gone: list[Any], region: str) -> str:
    """What is not paid any more, an hour; says so where the price is not known."""
    total = 0.0
    for item in gone:
        size, number = str(item.get("instance_type") or ""), item.get("instance_count")
        each = sizes.price_per_hour(size, region) if region and size else None
        if each is None or not isinstance(number, int):
            where = f" in {region}" if region else ": the region is not known"
            return f"not known: no list price at hand for {size or 'its size'}{where}"
        total += each * number
    return f"{total:.2f} USD an hour less. {sizes.price_note()}" if gone else "nothing: no instance goes"
