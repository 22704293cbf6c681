"""Filters, orders and limits lists of resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Callable

from tui.rehearsal.arm.front import Call
from tui.rehearsal.store import Resource


def holding(
    items: list[Resource], wanted: str, members: Callable[[Resource], Mapping[str, str] | None]
) -> list[Resource]:
    """The resources whose tags or properties match: `name` or `name=value`, separated by commas."""
    for pair in filter(None, wanted.split(",")):
        key, _, value = pair.partition("=")
        items = [item for item in items if _holds(members(item) or {}, key, value)]
    return items


def _holds(members: Mapping[str, str], key: str, value: str) -> bool:
    return key in members and (not value or members[key] == value)


def ordered(call: Call, items: list[Resource]) -> list[Resource]:
    """The resources in the order of `orderBy` or `$orderBy`: by creation or change, ascending or descending."""
    wish = (call.query.get("orderby") or call.query.get("$orderby") or "").lower().replace(" ", "")
    member = "createdAt" if wish.startswith("created") else "lastModifiedAt"
    if not wish.startswith(("created", "updated", "modified")):
        return items
    return sorted(items, key=lambda item: str(item.body["systemData"][member]), reverse=wish.endswith("desc"))


def top(call: Call, items: list[Resource]) -> list[Resource]:
    """The first resources, up to `$top`."""
    text = call.query.get("$top", "")
    return items[: int(text)] if text.isdecimal() and len(text) < 6 else items
