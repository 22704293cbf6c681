"""The state of a step: rail, header, Review and the step itself say the same, and a tick means checked and in order."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.app.everything import answers
from tests.app.panes import VARIABLES, Walk, home, wizard
from tui.app.state import step_states
from tui.app.state.findings import step_of
from tui.app.state.store import Store
from tui.app.steps.review.review_list import ReviewList
from tui.app.steps.step_findings import StepFindings
from tui.app.steps.step_texts import ORDER
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.header import Rail
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

FORMS = ORDER[:6]


def finding(severity: str, field: str, message: str) -> dict[str, Any]:
    """A finding of the preflight."""
    return {"id": field, "severity": severity, "field": field, "message": message, "remedy": "Change it."}


def found(with_: dict[str, Any]) -> list[dict[str, Any]]:
    """A preflight that depends on the plan: quota for four instances, a name that is taken, a small size."""
    tree = with_["plan"]["document"]
    deployment, endpoint = tree.get("deployment") or {}, tree.get("endpoint") or {}
    every = []
    if deployment.get("instance_count") in (5, 9):
        every.append(finding("blocker", "deployment.instance_count", "The quota is for 4 instances."))
    if endpoint.get("name") == "taken-01":
        every.append(finding("blocker", "endpoint.name", "The name is taken."))
    if deployment.get("instance_type") == "Standard_F2s_v2":
        every.append(finding("warning", "deployment.instance_type", "The size has little memory."))
    return [one for one in every if with_.get("step") in (None, step_of(one))]


def preflight(**more: Any) -> Any:
    """Answers with that preflight, at each step and at Review."""
    return answers(**{"check": found, "step_findings": found, "changes": [], "sign_in": {"principal": "me"}, **more})


def words(walk: Walk) -> dict[str, str]:
    """Each step's sign and word, as the rail shows them."""
    lines = walk.app.screen.query_one(Rail).render().plain.split("\n")
    heads = [number for number, line in enumerate(lines) if line[2:4].strip() or line[1] != " "]
    told = {}
    for step, at in zip(ORDER, heads):
        below = lines[at + 1].strip() if at + 1 < len(lines) and at + 1 not in heads else ""
        told[step] = f"{lines[at][1]} {below}".strip()
    return told


async def settled(walk: Walk) -> None:
    """Wait until nothing is being checked."""
    states = walk.store.states
    await walk.until(
        lambda: not states._checking and not states.asking and states._checked == states._asked, "the plan is checked"
    )


async def change(walk: Walk, key: str, text: str) -> None:
    """Replace a field's text by keys, and leave it."""
    row = walk.app.screen.query_one("#row-" + key.replace(".", "-"), FieldRow)
    row.control.focus()
    await walk.until(lambda: row.control.has_focus, key)
    await walk.press("end", "ctrl+u", *text)
    await walk.press("escape")


async def test_visited_changed_checked_and_wrong_are_told_apart_by_sign_and_word() -> None:
    async with wizard(preflight(), size=(100, 40)) as walk:
        await walk.until(lambda: words(walk)["credentials"] == "○ not checked", "shown, but nobody has signed in")
        assert words(walk)["compute"] == "·"
        await walk.to("compute")
        await walk.until(lambda: words(walk)["compute"] == "✔ OK", "checked and in order")
        await change(walk, "deployment.instance_type", "Standard_F2s_v2")
        await walk.until(lambda: words(walk)["compute"] == "! 1 warning", "in order, with a warning")
        walk.app._helper.hold("step_findings")  # type: ignore[attr-defined, union-attr]
        await change(walk, "deployment.instance_count", "5")
        await walk.until(lambda: words(walk)["compute"] in ("~ changed", "○ checking"), "not known for these values")
        walk.app._helper.release("step_findings")  # type: ignore[attr-defined, union-attr]
        await walk.until(lambda: words(walk)["compute"] == "✖ 1 blocker", "checked again")
        await change(walk, "deployment.instance_count", "none")
        await walk.until(lambda: words(walk)["compute"] == "✖ 1 blocker", "the plan's own problem")
    signs = [state.sign for state in (step_states.UNSEEN, step_states.VISITED, step_states.CHANGED, step_states.OK)]
    assert len({*signs, "!", "✖", "▸"}) == 7


async def test_after_a_run_steps_are_not_checked_but_nothing_of_the_plan_has_changed() -> None:
    async with wizard(preflight(), size=(100, 40)) as walk:
        await walk.to("compute")
        await walk.until(lambda: words(walk)["compute"] == "✔ OK", "checked and in order")
        await walk.to("review")
        await walk.until(lambda: words(walk)["network"] == "✔ OK", "checked by the preflight, though never shown")
        walk.app._helper.hold("step_findings")  # type: ignore[attr-defined, union-attr]
        walk.app._helper.hold("check")  # type: ignore[attr-defined, union-attr]
        walk.store.put("deployment.instance_count", 3, "test")
        walk.store.fresh.azure_changed()
        assert walk.store.states.of("network").word == walk.store.states.of("endpoint").word == "not checked"
        assert walk.store.states.of("compute").word == "changed", "by the user"


async def test_two_blockers_never_stand_behind_two_ticks() -> None:
    async with wizard(preflight(), size=(100, 40), sets=("endpoint.name=taken-01",)) as walk:
        walk.store.put("deployment.instance_count", 9, "test")
        await walk.to("review")
        await walk.until(lambda: words(walk)["review"] == "✖ 2 blockers", "both are counted")
        assert words(walk)["compute"] == words(walk)["endpoint"] == "✖ 1 blocker"
        await walk.sees("2 blockers")


async def test_at_80_columns_the_header_says_the_state_by_word() -> None:
    async with wizard(preflight()) as walk:
        await walk.to("endpoint")
        await walk.sees("step 3 of 9  ✔ OK")
        await change(walk, "endpoint.name", "bad_name")
        await walk.sees("step 3 of 9  ✖ 1 blocker")


async def test_a_step_that_azure_has_not_checked_has_no_tick() -> None:
    from tui.helper.client import HelperError

    refused = HelperError("The sign-in failed.", "No credential.", "Sign in.")
    async with wizard(preflight(step_findings=refused, check=refused), size=(100, 40)) as walk:
        for step in FORMS:
            await walk.to(step)
            await settled(walk)
        await walk.to("review")
        await walk.sees("The preflight did not complete")
        assert "✔" not in "".join(words(walk).values())


async def test_without_the_workspace_no_step_that_needs_it_has_a_tick() -> None:
    """As the preflight answers without a sign-in: what it could not ask about is not in order."""
    why = {"id": "workspace", "severity": "unknown", "field": "workspace.name", "message": "The sign-in failed."}
    blocked = {"id": "sign-in", "severity": "blocker", "field": "credential.method", "message": "No credential."}
    async with wizard(preflight(step_findings=[why], check=[blocked, why]), size=(120, 40)) as walk:
        for step in ("endpoint", "compute"):
            await walk.to(step)
            await walk.sees("Not known", "The sign-in failed.")
            await settled(walk)
            assert words(walk)[step] == "○ not checked"
        await walk.to("review")
        await walk.sees("No credential.")
        await settled(walk)
        assert "✔" not in "".join(words(walk).values())


EDITS = {
    "endpoint": [("endpoint.name", ("taken-01", "free-01", "bad_name", ""))],
    "compute": [("deployment.instance_count", ("1", "5", "x")),
                ("deployment.instance_type", ("Standard_F2s_v2", "Standard_D4as_v4"))],
    "model": [("deployment.model.path", ("no-such-folder", "churn-xgboost/model"))],
    "workspace": [("workspace.name", ("ws-other", "w"))],
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)])
async def test_after_random_edits_rail_review_and_step_agree(seed: int) -> None:
    chosen = random.Random(seed)
    async with wizard(preflight(), size=(120, 40)) as walk:
        for _ in range(4):
            for _ in range(chosen.randint(1, 3)):
                step = chosen.choice(list(EDITS))
                await walk.to(step)
                key, values = chosen.choice(EDITS[step])
                await change(walk, key, chosen.choice(values))
            await walk.to("review")
            await walk.until(lambda: {"check", "changes"} <= set(walk.store.facts), "Review has asked")
            await settled(walk)
            rows = walk.app.screen.query_one(ReviewList).rows
            await walk.pilot.pause()
            blockers = {step: sum(row.step == step and "✖ blocker" in row.content.plain for row in rows)
                        for step in FORMS}  # fmt: skip
            told = words(walk)
            for step in FORMS:
                said = told[step].startswith("✖")
                assert said == bool(blockers[step]), (seed, step, told, blockers)
                assert not said or told[step] == f"✖ {blockers[step]} blocker{'s' * (blockers[step] > 1)}"
            for step in FORMS:
                await walk.to(step)
                pane = walk.app.screen.pane  # type: ignore[attr-defined]
                await pane.validate()
                await settled(walk)
                own = pane.first_error() is not None
                own = own or any(fact.name == "Blocks" for fact in pane.query_one(StepFindings).facts)
                assert own == told[step].startswith("✖"), (seed, step, told)


async def test_a_check_that_began_before_the_environment_was_complete_reports_no_missing_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tui.plan.load_save import resolve as module

    original = module.resolve
    store = Store(load("churn-xgboost"), environ={})

    def slow(*arguments: Any) -> Any:
        try:
            return original(*arguments)
        finally:  # the rehearsal has started while the plan was being checked
            store.use(VARIABLES)

    monkeypatch.setattr(module, "resolve", slow)
    assert store.problems() == {}
    assert store.ready.is_set()
