"""Explains, where its name is chosen, whether a deployment updates an existing one or is created alongside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.app.state.store import Store
from tui.app.widgets.facts import Fact
from tui.plan.rules.value_rules import steps_of
from tui.plan.traffic import in_words

STEPS = [10, 50, 100]  # as `aml-deploy apply --as NAME` takes them


def facts(found: Mapping[str, Any], store: Store) -> list[Fact]:
    """Explain what the plan's deployment does to the endpoint's existing ones; `found` answers the query `endpoint`."""
    name = str(store.resolved("deployment.name") or store.value("deployment.name") or "")
    there = [str(item.get("name")) for item in found.get("deployments") or ()]
    traffic = {str(one): share for one, share in (found.get("traffic") or {}).items() if share}
    if not found.get("exists") or not there:
        return []
    if name in there:
        share = f"with {traffic[name]} % of the traffic" if name in traffic else "without traffic"
        text = f"{name} exists {share} and will be updated in place. Use another name to deploy alongside it."
        return [Fact("warn" if name in traffic else "none", "In place", text)]
    text = f"{name} is created alongside; current traffic: {in_words(traffic)}. {_requests(store, name, traffic)}"
    return [Fact("ok", "Alongside", text)]


def _requests(store: Store, name: str, traffic: Mapping[str, int]) -> str:
    """Say how the plan changes the traffic."""
    shares = store.document.get("traffic")
    mine = shares.get(name, 0) if isinstance(shares, dict) and shares else 100
    if not traffic:
        return "It gets all traffic when it is ready."
    if not mine:
        return "It gets no traffic; shift it later, under Traffic."
    if store.document.get("rollout"):
        steps = steps_of(store.value("rollout.steps") or STEPS) or STEPS
        return (
            f"It takes over in steps ({', '.join(f'{step} %' for step in steps)}), rolled back automatically on errors."
        )
    return f"{mine} % of the traffic moves to it at once; set rollout steps, under Network, to shift it gradually."


def take(store: Store, name: str) -> None:
    """Give the plan's deployment this name, so that it is created alongside, and shift traffic to it in steps."""
    store.put("deployment.name", name, "you")
    store.put("traffic", {name: 100}, "deployed alongside")
    if not store.document.get("rollout"):
        store.put("rollout.steps", list(STEPS), "deployed alongside")


def existing_deployment(store: Store) -> Mapping[str, Any]:
    """Return Azure's data of the plan's deployment, if the endpoint has been read; empty if it does not exist."""
    wanted = str(store.value("deployment.name") or "").lower()
    there = (store.facts.get("endpoint") or {}).get("deployments") or ()
    return next((item for item in there if str(item.get("name") or "").lower() == wanted), {})
