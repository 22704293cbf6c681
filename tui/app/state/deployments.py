"""Plans with several deployments: the steps show one of them; switch to another, add or remove one."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Callable

from tui.app.state.action import Action
from tui.app.state.store import Store
from tui.app.widgets.facts import Fact
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import DEPLOYMENTS

TRAFFIC = "traffic"


def names(store: Store) -> list[str]:
    """Return the names of the plan's deployments, in order; a single one for a plan with `deployment:`."""
    found = [str(item.get("name") or "?") for item in store.document.listed()]
    return found or [str(store.document.value("deployment.name") or "")]


def shown(store: Store) -> str:
    """Return the name of the deployment that the steps show."""
    return names(store)[store.document.shown or 0]


def facts(store: Store) -> list[Fact]:
    """Return a line with the plan's deployments and the one shown; empty for a single deployment."""
    if len(names(store)) < 2:
        return []
    text = f"{', '.join(names(store))}; the steps show {shown(store)}. ctrl+o: switch, add or remove."
    return [Fact("", "In the plan", text)]


def actions(store: Store) -> list[Action]:
    """Return the menu's actions for the plan's deployments."""
    found = [
        Action(f"Switch to deployment {name}", "All steps show its fields.", partial(show, store, number))
        for number, name in enumerate(names(store))
        if name != shown(store)
    ]
    found.append(
        Action("Add a deployment to the plan", f"A copy of {shown(store)}; both are deployed.", partial(add, store))
    )
    if len(names(store)) > 1:
        what = "Only from the plan; nothing is removed in Azure."
        found.append(Action(f"Remove {shown(store)} from the plan", what, partial(take_out, store)))
    return found


def found_elsewhere(store: Store, go: Callable[..., object]) -> list[Action]:
    """Return them for the menu of another step; `go` is called with the step Endpoint and `then`, what to do there."""
    return [replace(action, listed=False, run=partial(go, "endpoint", then=action.run)) for action in actions(store)]


def show(store: Store, number: int) -> None:
    """Switch the steps to another deployment of the plan."""
    store.document.shown = number
    _tell(store)


def add(store: Store) -> None:
    """Add a copy of the deployment shown; traffic is unchanged, or stays with the first one if none was set."""
    document = store.document
    there = names(store)
    items: list[dict[str, Any]] = document.listed() or [document.tree.pop("deployment", None) or {}]
    like = copy.deepcopy(items[document.shown or 0])
    like["name"] = free_name(there)
    items[0].setdefault("name", there[0])
    document.tree[DEPLOYMENTS] = [*items, like]
    document.shown = len(items)
    if document.get(TRAFFIC) is None:
        store.put(TRAFFIC, {there[0]: 100}, "as before, with one deployment")
    store.put("deployment.name", like["name"], "you")
    _tell(store)


def take_out(store: Store) -> None:
    """Remove the deployment shown from the plan and the traffic split; the first one gets its share."""
    document = store.document
    items, gone = document.listed(), shown(store)
    del items[document.shown or 0]
    if len(items) == 1 and not document.tree.get("deployment"):
        document.tree["deployment"], document.shown = items[0], None
        del document.tree[DEPLOYMENTS]
    else:
        document.tree[DEPLOYMENTS], document.shown = items, len(items) - 1
    for key in (TRAFFIC, "mirror_traffic"):
        shares = dict(document.get(key) or {})
        share = shares.pop(gone, None)
        if share is not None:
            if key == TRAFFIC and share:
                shares[names(store)[0]] = shares.get(names(store)[0], 0) + share
            store.put(key, shares or None, f"without {gone}")
    store.dirty = True
    _tell(store)


def free_name(taken: Iterable[str]) -> str:
    """Return a deployment name that is not taken: blue, green, blue-2, and so on."""
    known = {name.lower() for name in taken}
    candidates = ("blue", "green", *(f"{colour}-{number}" for number in range(2, 50) for colour in ("blue", "green")))
    return next(name for name in candidates if name not in known)


def _tell(store: Store) -> None:
    store.touched(*(key for key in BY_KEY if key.startswith("deployment.")))
