"""Describes what a removal would delete and keep, with the price, before it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ASSETS = "the registered model, environment and code, which cost almost nothing"
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """Something that can be removed: a `deployment` by name, or (None) everything the plan created.

    With `failed`, also this program's failed deployments, which serve no requests and may still cost money.
    """

    label: str
    deployment: str | None = None
    failed: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """Return the arguments of the helper queries `inventory` and `remove`."""
        return {"deployment": self.deployment, "failed": self.failed}


@dataclass(frozen=True)
class Removal:
    """The effect of a removal: `goes` and `stays` are lines to show; `refused` says why nothing would be removed."""

    goes: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    price: str = ""
    refused: str = ""


def choices(found: Mapping[str, Any]) -> list[Choice]:
    """Return the choices for an inventory besides everything: everything and failed ones, each deployment."""
    deployments = [item for item in found.get("items") or () if item["kind"] == "deployment"]
    offered = []
    wasted = [item["name"] for item in deployments if item["failed"] and not item["goes"]]
    if wasted:
        offered.append(Choice(f"Also failed deployments: {', '.join(wasted)}", failed=True))
    return offered + [Choice(f"Deployment {item['name']}", item["name"]) for item in deployments]


def removal(found: Mapping[str, Any], endpoint: Mapping[str, Any]) -> Removal:
    """Describe the removal of an inventory; `endpoint` is the helper's answer to the query `endpoint`."""
    items = list(found.get("items") or ())
    going = [item for item in items if item["goes"]]
    goes: list[str] = []
    for item in going:
        if item["kind"] == "endpoint":
            goes.append(f"endpoint {item['name']}: {endpoint.get('scoring_uri') or 'its address'} stops answering")
        else:
            goes += [_line(item, found), *_requests(item, items)]
    stays = [_line(item, found) for item in items if not item["goes"]]
    price = _price([item for item in going if item["kind"] == "deployment"], found)
    return Removal(tuple(goes), (*stays, ASSETS) if items else (), price, _refused(items, going))


def _line(item: Item, found: Mapping[str, Any]) -> str:
    """Return a resource with its size, state and price, and why it is removed or kept."""
    parts = [f"{item['kind']} {item['name']}"]
    if item["kind"] == "deployment":
        parts.append(f"{item['instances']} × {item['instance_type']}")
    parts.append(str(item["state"]))
    if item["kind"] == "deployment" and item["price_per_hour"] is not None:
        parts.append(f"{item['price_per_hour']:.2f} {found.get('currency') or 'USD'} an hour")
    parts += [f"created by {item['made_by']}"] if item.get("made_by") else []
    return ", ".join(parts) + ("" if item["goes"] else f": {item['why'].partition(';')[0]}")


def _requests(item: Item, items: Sequence[Item]) -> list[str]:
    """Say where the traffic of a deployment to be removed goes."""
    if not item["traffic"]:
        return []
    taking = [other["name"] for other in items if not other["goes"] and other["traffic"]]
    to = f"goes to {', '.join(taking)}" if taking else "is no longer served"
    return [f"its {item['traffic']} % of the traffic {to}"]


def _refused(items: Sequence[Item], going: Sequence[Item]) -> str:
    if not items:
        return "The endpoint does not exist in the workspace: there is nothing to remove."
    if not going:
        return "Nothing would be removed; the lines above say why. You can select a single deployment."
    whole = any(item["kind"] == "endpoint" for item in going)
    serving = [item["name"] for item in going if item["traffic"]]
    stays = [item for item in items if item["kind"] == "deployment" and not item["goes"]]
    ready = [item["name"] for item in stays if item["state"] == "Succeeded"]
    if serving and ready and not whole and not any(item["traffic"] for item in stays):
        return f"{', '.join(serving)} still has all the traffic. Shift it to {ready[0]} first, under Traffic."
    return ""


def _price(going: Sequence[Item], found: Mapping[str, Any]) -> str:
    """Return the hourly cost saved; says so if the price is not known."""
    if not going:
        return ""
    unknown = [item["instance_type"] for item in going if item["price_per_hour"] is None]
    if unknown:
        return f"not known: no list price available for {', '.join(dict.fromkeys(unknown))} in this region"
    total = sum(item["price_per_hour"] for item in going)
    return f"{total:.2f} {found.get('currency') or 'USD'} an hour less. {found.get('price_note') or ''}".strip()
