"""What removing takes away from an endpoint and what it leaves, in words and with its price, before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ASSETS = "the registered model, environment and code, which cost next to nothing"
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """Something that can be removed: a `deployment` by its name, or (None) all that the plan made; with `failed` also
    this program's failed deployments, which serve nobody and may still cost."""

    label: str
    deployment: str | None = None
    failed: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """What the helper's questions `inventory` and `remove` are asked with."""
        return {"deployment": self.deployment, "failed": self.failed}


@dataclass(frozen=True)
class Removal:
    """`goes` and `stays` are lines for people; `refused` says why nothing would go."""

    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    price: str = ""
    refused: str = ""


def choices(found: Mapping[str, Any]) -> list[Choice]:
    """What can be removed of an inventory that was asked for the plan: first all of it, then what failed, then each."""
    deployments = [item for item in found.get("items") or () if item["kind"] == "deployment"]
    offered = [Choice("All that the plan made")]
    wasted = [item["name"] for item in deployments if item["failed"] and not item["goes"]]
    if wasted:
        offered.append(Choice(f"That, and what failed: {', '.join(wasted)}", failed=True))
    return offered + [Choice(f"Deployment {item['name']}", item["name"]) for item in deployments]


def removal(found: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Removal:
    """What an inventory says would happen; `endpoint` is the helper's answer to the question of that name."""
    items = list(found.get("items") or ())
    going = [item for item in items if item["goes"]]
    goes: list[str] = []
    for item in going:
        if item["kind"] == "endpoint":
            goes.append(f"endpoint {item['name']}: {endpoint.get('scoring_uri') or 'its address'} answers no more")
        else:
            goes += [_line(item), *_requests(item, items)]
    stays = [_line(item) for item in items if not item["goes"]]
    price = _price([item for item in going if item["kind"] == "deployment"], found)
    return Removal(tuple(goes), (*stays, ASSETS) if items else (), price, _refused(items, going))


def _line(item: Item) -> str:
    """A resource with its size, state and price, and why it goes or stays."""
    parts = [f"{item['kind']} {item['name']}"]
    if item["kind"] == "deployment":
        parts.append(f"{item['instances']} × {item['instance_type']}")
    parts.append(str(item["state"]))
    if item["kind"] == "deployment" and item["price_per_hour"] is not None:
        parts.append(f"{item['price_per_hour']:.2f} an hour")
    made = f", made by {item['made_by']}" if item.get("made_by") else ""
    return f"{', '.join(parts)}: {item['why'].partition(';')[0]}{made}"


def _requests(item: Item, items: Sequence[Item]) -> list[str]:
    """What becomes of the requests of a deployment that goes."""
    if not item["traffic"]:
        return []
    taking = [other["name"] for other in items if not other["goes"] and other["traffic"]]
    to = f"which go to {', '.join(taking)}" if taking else "which nobody answers then"
    return [f"its {item['traffic']} % of the requests, {to}"]


def _refused(items: Sequence[Item], going: Sequence[Item]) -> str:
    if not items:
        return "There is no such endpoint in the workspace: nothing is left to remove."
    if not going:
        return "Nothing goes; the lines above say why. A deployment can be removed by its name."
    whole = any(item["kind"] == "endpoint" for item in going)
    serving = [item["name"] for item in going if item["traffic"]]
    stays = [item for item in items if item["kind"] == "deployment" and not item["goes"]]
    ready = [item["name"] for item in stays if item["state"] == "Succeeded"]
    if serving and ready and not whole and not any(item["traffic"] for item in stays):
        return f"{', '.join(serving)} still has all requests. Shift them to {ready[0]} first, under Traffic."
    return ""


def _price(going: Sequence[Item], found: Mapping[str, Any]) -> str:
    """What is not paid any more, an hour; says so where the price is not known."""
    if not going:
        return ""
    unknown = [item["instance_type"] for item in going if item["price_per_hour"] is None]
    if unknown:
        return f"not known: no list price at hand for {', '.join(dict.fromkeys(unknown))} in this region"
    total = sum(item["price_per_hour"] for item in going)
    return f"{total:.2f} {found.get('currency') or 'USD'} an hour less. {found.get('price_note') or ''}".strip()
