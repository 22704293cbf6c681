"""A deployment alongside existing ones: the wizard's explanation, and the resulting plan."""

from __future__ import annotations

import pytest

from tests.app.panes import VARIABLES, home
from tui.app.state import side_by_side
from tui.app.state.store import Store
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

FOUND = {"exists": True, "traffic": {"blue": 100}, "deployments": [{"name": "blue"}]}


@pytest.fixture
async def store() -> Store:
    """The preset's plan."""
    return Store(load("churn-xgboost"), environ=VARIABLES)


async def test_what_serves_is_said_to_be_changed_in_place(store: Store) -> None:
    (fact,) = side_by_side.facts(FOUND, store)
    assert (fact.kind, fact.name) == ("warn", "In place")
    assert "blue exists with 100 % of the traffic" in fact.text
    assert side_by_side.facts({"exists": False}, store) == []


async def test_another_name_comes_beside_and_takes_over_in_steps(store: Store) -> None:
    store.put("deployment.name", "green", "you")
    assert "It gets no traffic" in side_by_side.facts(FOUND, store)[0].text, "the plan's traffic names blue"
    side_by_side.take(store, "green")
    (fact,) = side_by_side.facts(FOUND, store)
    assert (fact.kind, fact.name) == ("ok", "Alongside")
    assert "green is created alongside; current traffic: blue 100 %" in fact.text
    assert "10 %, 50 %, 100 %" in fact.text
    plan = resolve(store.document, VARIABLES)
    assert plan.rollout is not None
    assert (plan.deployment.name, plan.traffic, plan.rollout.steps) == ("green", {"green": 100}, (10, 50, 100))
    store.put("rollout", None, "you")
    assert "moves to it at once" in side_by_side.facts(FOUND, store)[0].text


async def test_the_plans_own_rollout_is_kept(store: Store) -> None:
    store.document.set("rollout", {"steps": [50, 100]}, "test")
    side_by_side.take(store, "green")
    assert store.document.get("rollout") == {"steps": [50, 100]}
