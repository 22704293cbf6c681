"""A deployment beside what serves: what that means, said where its name is chosen, and the values that make it so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.app.state.store import Store
from tui.app.widgets.facts import Fact
from tui.plan.rules.value_rules import steps_of
from tui.plan.traffic import in_words

STEPS = [10, 50, 100]  # as `aml-deploy apply --as NAME` takes them


def facts(found: Mapping[str, Any], store: Store) -> list[Fact]:
    """What the plan's deployment means for those that an endpoint has; `found` is the answer to `endpoint`."""
    name = str(store.resolved("deployment.name") or store.value("deployment.name") or "")
    there = [str(item.get("name")) for item in found.get("deployments") or ()]
    traffic = {str(one): share for one, share in (found.get("traffic") or {}).items() if share}
    if not found.get("exists") or not there:
        return []
    if name in there:
        share = f", with {traffic[name]} % of the requests" if name in traffic else ", without requests"
        text = f"{name} is there{share}: it is changed in place. Under another name it comes beside, and can be tried."
        return [Fact("warn" if name in traffic else "none", "In place", text)]
    serve = in_words(traffic, none="nobody")
    return [
        Fact("ok", "Beside", f"{serve} goes on as it is; {name} is made beside it. {_requests(store, name, traffic)}")
    ]


def _requests(store: Store, name: str, traffic: Mapping[str, int]) -> str:
    """What becomes of the requests, by the plan."""
    shares = store.document.get("traffic")
    mine = shares.get(name, 0) if isinstance(shares, dict) and shares else 100
    if not traffic:
        return "Requests go to it when it is ready."
    if not mine:
        return "It gets no requests; shift them later, under Traffic."
    if store.document.get("rollout"):
        steps = steps_of(store.value("rollout.steps") or STEPS) or STEPS
        return f"It takes over in steps, {', '.join(f'{step} %' for step in steps)}, and back by itself on errors."
    return f"{mine} % of the requests move to it at once; rollout steps, under Network, let it take over bit by bit."


def take(store: Store, name: str) -> None:
    """Name the plan's deployment so that it comes beside what serves, and let it take over step by step."""
    store.put("deployment.name", name, "you")
    store.put("traffic", {name: 100}, "deployed beside what serves")
    if not store.document.get("rollout"):
        store.put("rollout.steps", list(STEPS), "deployed beside what serves")
